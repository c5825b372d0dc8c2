using System.Security.Cryptography;
using System.Text;

namespace Crescent.Gateway.Auth;

/// <summary>
/// Tells from an <c>Authorization</c> header (or gRPC metadata of that name) whose request it is. Keys are compared
/// as SHA-256 hashes, all of them every time, so the time taken tells nothing about a key.
/// </summary>
public sealed class ApiKeyAuthenticator
{
    private const string Scheme = "Bearer ";

    /// <summary>Hexadecimal digits of a key's hash that name its tenant.</summary>
    private const int TenantHashLength = 12;

    private readonly (byte[] Hash, string Tenant)[] _keys;

    public ApiKeyAuthenticator(GatewayOptions options)
    {
        _keys = [.. options.ApiKeys.Select(key =>
        {
            ArgumentException.ThrowIfNullOrEmpty(key.Key, nameof(options.ApiKeys));
            byte[] hash = Hash(key.Key);
            return (hash, key.Tenant ?? Convert.ToHexStringLower(hash)[..TenantHashLength]);
        })];
    }

    /// <param name="authorization">The header's value, or null without one.</param>
    /// <returns>The tenant; "" when no keys are configured.</returns>
    /// <exception cref="RequestException">No or a wrong key.</exception>
    public string Authenticate(string? authorization)
    {
        if (_keys.Length == 0)
        {
            return "";
        }

        if (authorization is null || !authorization.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            throw Refuse("You must give an API key in the header: Authorization: Bearer KEY.");
        }

        byte[] hash = Hash(authorization[Scheme.Length..].Trim());
        string? tenant = null;
        foreach ((byte[] known, string name) in _keys)
        {
            tenant = CryptographicOperations.FixedTimeEquals(known, hash) ? name : tenant;
        }

        return tenant ?? throw Refuse("The API key is wrong.");
    }

    private static byte[] Hash(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    private static RequestException Refuse(string message) =>
        new(RefusalKind.Unauthenticated, message, code: "invalid_api_key");
}

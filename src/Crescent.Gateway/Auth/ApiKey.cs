namespace Crescent.Gateway.Auth;

/// <summary>A key that clients may present as <c>Authorization: Bearer</c>.</summary>
/// <param name="Key">At least one character.</param>
/// <param name="Tenant">Whose requests these are; null names the tenant after a short hash of the key.</param>
public sealed record ApiKey(string Key, string? Tenant = null);

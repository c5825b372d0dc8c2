using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace StackExchange.Redis;

/// <summary>What a connection string says, as far as one endpoint needs it.</summary>
public sealed class ConfigurationOptions
{
    private const int DefaultPort = 6379;
    private const int DefaultTlsPort = 6380;

    private ConfigurationOptions()
    {
    }

    public bool AbortOnConnectFail { internal get; set; } = true;

    /// <summary>Milliseconds a command may wait for its answer.</summary>
    public int AsyncTimeout { internal get; set; } = 5000;

    public BacklogPolicy BacklogPolicy { internal get; set; } = BacklogPolicy.FailFast;

    internal string Host { get; private set; } = "";

    internal int Port { get; private set; }

    internal string? User { get; private set; }

    internal string? Password { get; private set; }

    internal bool Ssl { get; private set; }

    internal string? SslHost { get; private set; }

    internal int Database { get; private set; }

    /// <summary>Milliseconds an attempt to connect may take.</summary>
    internal int ConnectTimeout { get; private set; } = 5000;

    internal X509Certificate2? Issuer { get; private set; }

    /// <summary>"host:port,option=value,...": one endpoint, with password, user, ssl, sslHost, defaultDatabase, connectTimeout and abortConnect.</summary>
    /// <exception cref="ArgumentException">The string asks for what needs the full package set, or makes no sense. Values are not repeated.</exception>
    public static ConfigurationOptions Parse(string configuration)
    {
        var options = new ConfigurationOptions();
        foreach (string part in configuration.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = part.IndexOf('=');
            if (equals >= 0)
            {
                options.Set(part[..equals].Trim(), part[(equals + 1)..].Trim());
            }
            else if (options.Host.Length == 0)
            {
                options.SetEndpoint(part);
            }
            else
            {
                throw new ArgumentException("the portable package set speaks to one Redis endpoint; several (cluster, Sentinel, replicas) need the full set", nameof(configuration));
            }
        }

        if (options.Host.Length == 0)
        {
            throw new ArgumentException("the connection string names no endpoint", nameof(configuration));
        }

        options.Port = options.Port == 0 ? (options.Ssl ? DefaultTlsPort : DefaultPort) : options.Port;
        return options;
    }

    /// <summary>Trusts what this authority has signed, besides the machine's authorities.</summary>
    public void TrustIssuer(string issuerCertificatePath) => Issuer = X509CertificateLoader.LoadCertificateFromFile(issuerCertificatePath);

    private static int NumberOf(string option, string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            ? number
            : throw new ArgumentException($"Redis option {option} is not a number");

    private static bool FlagOf(string option, string value) =>
        bool.TryParse(value, out bool flag) ? flag : throw new ArgumentException($"Redis option {option} is neither true nor false");

    private void SetEndpoint(string endpoint)
    {
        int colon = endpoint.LastIndexOf(':');
        bool hasPort = colon >= 0 && (endpoint.IndexOf(':') == colon || endpoint[colon - 1] == ']');
        Host = (hasPort ? endpoint[..colon] : endpoint).Trim('[', ']');
        Port = hasPort ? NumberOf("port", endpoint[(colon + 1)..]) : 0;
    }

    private void Set(string option, string value)
    {
        switch (option.ToLowerInvariant())
        {
            case "password":
                Password = value;
                break;
            case "user":
                User = value;
                break;
            case "ssl":
                Ssl = FlagOf(option, value);
                break;
            case "sslhost":
                SslHost = value;
                break;
            case "defaultdatabase":
                Database = NumberOf(option, value);
                break;
            case "connecttimeout":
                ConnectTimeout = NumberOf(option, value);
                break;
            case "abortconnect":
                AbortOnConnectFail = FlagOf(option, value);
                break;
            default:
                throw new ArgumentException($"Redis option {option} needs the full package set; the portable one knows password, user, ssl, sslHost, defaultDatabase, connectTimeout and abortConnect");
        }
    }
}

/// <summary>What happens to commands while there is no connection.</summary>
public sealed class BacklogPolicy
{
    private BacklogPolicy()
    {
    }

    /// <summary>They fail at once.</summary>
    public static BacklogPolicy FailFast { get; } = new();
}

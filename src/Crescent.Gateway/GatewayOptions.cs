using Crescent.Gateway.Auth;

namespace Crescent.Gateway;

/// <summary>Every limit and switch of the gateway.</summary>
public sealed record GatewayOptions
{
    /// <summary>Choices that run or wait at one time; one more is refused as overloaded. Default: 256.</summary>
    public int MaxRequests { get; init; } = 256;

    /// <summary>
    /// Prompt tokens of all choices that run or wait at one time. A single request that is larger is admitted
    /// when nothing else is. Default: 1,048,576.
    /// </summary>
    public long MaxPromptTokens { get; init; } = 1 << 20;

    /// <summary>Bytes of one HTTP request body. Default: 32 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 32 << 20;

    /// <summary>Choices of one request (<c>n</c>, times the number of prompts). Default: 16.</summary>
    public int MaxChoices { get; init; } = 16;

    /// <summary>Stop strings of one request. Default: 64.</summary>
    public int MaxStopStrings { get; init; } = 64;

    /// <summary>A request that runs longer than this ends with <see cref="FinishReason.Deadline"/>. Default: 1 hour.</summary>
    public TimeSpan MaxRequestTime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>A stream that has nothing to say for this long sends a comment, so that proxies keep it open. Default: 15 seconds.</summary>
    public TimeSpan KeepAliveInterval { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Who may ask. Empty: everybody, as tenant "". Default: empty.</summary>
    public IReadOnlyList<ApiKey> ApiKeys { get; init; } = [];
}

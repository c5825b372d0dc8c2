using System.CommandLine;
using System.CommandLine.Parsing;
using System.Numerics;
using Crescent.Cli.Output;
using Crescent.Gateway;
using Crescent.Gateway.Auth;
using Crescent.Scheduling;
using Crescent.Server;
using Crescent.Worker;

namespace Crescent.Cli.Commands;

/// <summary>Everything about a node that the command line sets.</summary>
internal sealed class ServeOptions
{
    private const int MaxPort = 65535;
    private const int MinBlockSize = 16;
    private const int MaxBlockSize = 256;
    private const int MaxTokenBudget = 65536;
    private const int MaxSequencesLimit = 4096;
    private const int MaxRequestsLimit = 65536;
    private const int MaxDrainSeconds = 86400;

    private static readonly NodeOptions Defaults = new() { ModelPath = "" };

    private readonly EngineOptions _engine = new();

    private readonly Option<string?> _name = new("--name") { HelpName = "NAME", Description = "The name clients ask for. [default: the model's own]" };

    private readonly Option<int?> _port = Values.Number(
        "--port", "N", $"HTTP on 127.0.0.1; 0 takes a free port. [default: {Defaults.Port}]", 0, MaxPort);

    private readonly Option<int?> _grpcPort = Values.Number(
        "--grpc-port", "N", $"gRPC on 127.0.0.1; 0 takes a free port. [default: {Defaults.GrpcPort}]", 0, MaxPort);

    private readonly Option<int?> _blockSize = Values.Number(
        "--block-size", "N", $"Positions per KV block, a power of two. [default: {Defaults.BlockSize}]", MinBlockSize, MaxBlockSize);

    private readonly Option<long?> _hostCache = Values.Size(
        "--host-cache", "Memory for KV that the device cache has no room for, encoded. [default: none]");

    private readonly Option<string?> _diskCache = new("--disk-cache") { HelpName = "DIR", Description = "A folder for such KV; it survives restarts. [default: none]" };

    private readonly Option<long?> _diskCacheSize = Values.Size(
        "--disk-cache-size", $"What the folder may take. [default: {ByteSize.Format(Defaults.Tiers.DiskBytes)}]");

    private readonly Option<string?> _redis = new("--redis") { HelpName = "CONNECTION", Description = "A Redis for such KV, as host:port[,option=value ...]. [default: none]" };

    private readonly Option<long?> _redisSize = Values.Size(
        "--redis-size", $"What it may take there, of all who share it. [default: {ByteSize.Format(Defaults.Tiers.RedisBytes)}]");

    private readonly Option<string?> _kvCodec = Values.Choice(
        "--kv-codec", $"How KV is kept there, without loss. [default: {Defaults.Tiers.Codec}]", "exponents", "raw");

    private readonly Option<int?> _tokenBudget = Values.Number(
        "--token-budget", "N", $"Tokens per engine step, prefill and decode together. [default: {Defaults.Worker.Scheduler.TokenBudget}]", 1, MaxTokenBudget);

    private readonly Option<int?> _maxSequences = Values.Number(
        "--max-sequences", "N", $"Requests that run at once; others wait. [default: {Defaults.Worker.Scheduler.MaxSequences}]", 1, MaxSequencesLimit);

    private readonly Option<int?> _maxRequests = Values.Number(
        "--max-requests", "N", $"Requests running or waiting at one time; one more is refused. [default: {Defaults.Gateway.MaxRequests}]", 1, MaxRequestsLimit);

    private readonly Option<long?> _maxPromptTokens = Values.Number(
        "--max-prompt-tokens", "N", $"Their prompt tokens together. [default: {Defaults.Gateway.MaxPromptTokens}]", 1, long.MaxValue);

    private readonly Option<long?> _maxBody = Values.Size(
        "--max-body", $"The largest HTTP body or gRPC message. [default: {ByteSize.Format(Defaults.Gateway.MaxBodyBytes)}]");

    private readonly Option<ApiKey[]> _apiKeys = new("--api-key")
    {
        HelpName = "KEY[=TENANT]",
        Description = "Only requests with this key are served; may be given several times.",
        CustomParser = ParseApiKeys,
    };

    private readonly Option<double?> _drainLimit = Values.Number(
        "--drain-limit", "SECONDS", $"How long running requests may go on after the first Ctrl-C. [default: {Defaults.DrainLimit.TotalSeconds}]", 0d, MaxDrainSeconds);

    public void AddTo(Command command)
    {
        foreach (var option in (IReadOnlyList<Option>)
            [.. _engine.All, _hostCache, _diskCache, _diskCacheSize, _redis, _redisSize, _kvCodec, _name, _port, _grpcPort, _blockSize, _tokenBudget, _maxSequences, _maxRequests, _maxPromptTokens, _maxBody, _apiKeys, _drainLimit])
        {
            command.Options.Add(option);
        }
    }

    /// <exception cref="CliException">No model is named and none is bundled, or options contradict each other.</exception>
    public NodeOptions Read(ParseResult parsed)
    {
        int port = parsed.GetValue(_port) ?? Defaults.Port;
        int grpcPort = parsed.GetValue(_grpcPort) ?? Defaults.GrpcPort;
        int blockSize = parsed.GetValue(_blockSize) ?? Defaults.BlockSize;
        int maxRequests = parsed.GetValue(_maxRequests) ?? Defaults.Gateway.MaxRequests;
        var scheduler = new SchedulerOptions
        {
            TokenBudget = parsed.GetValue(_tokenBudget) ?? Defaults.Worker.Scheduler.TokenBudget,
            MaxSequences = parsed.GetValue(_maxSequences) ?? Defaults.Worker.Scheduler.MaxSequences,
        };
        Require(port == 0 || port != grpcPort, $"--port and --grpc-port are both {port}");
        Require(BitOperations.IsPow2(blockSize), $"--block-size needs a power of two, not '{blockSize}'");
        Require(
            scheduler.TokenBudget >= scheduler.MaxSequences,
            $"--token-budget ({scheduler.TokenBudget}) must be at least --max-sequences ({scheduler.MaxSequences})");
        return _engine.Read(parsed) with
        {
            ModelName = parsed.GetValue(_name),
            Port = port,
            GrpcPort = grpcPort,
            BlockSize = blockSize,
            Tiers = new TierOptions
            {
                HostBytes = parsed.GetValue(_hostCache),
                DiskDirectory = parsed.GetValue(_diskCache),
                DiskBytes = parsed.GetValue(_diskCacheSize) ?? Defaults.Tiers.DiskBytes,
                Redis = parsed.GetValue(_redis),
                RedisBytes = parsed.GetValue(_redisSize) ?? Defaults.Tiers.RedisBytes,
                Codec = parsed.GetValue(_kvCodec) ?? Defaults.Tiers.Codec,
            },
            DrainLimit = parsed.GetValue(_drainLimit) is { } seconds ? TimeSpan.FromSeconds(seconds) : Defaults.DrainLimit,
            Worker = new WorkerOptions { Scheduler = scheduler, MaxRequests = Math.Max(Defaults.Worker.MaxRequests, maxRequests) },
            Gateway = new GatewayOptions
            {
                MaxRequests = maxRequests,
                MaxPromptTokens = parsed.GetValue(_maxPromptTokens) ?? Defaults.Gateway.MaxPromptTokens,
                MaxBodyBytes = parsed.GetValue(_maxBody) ?? Defaults.Gateway.MaxBodyBytes,
                ApiKeys = parsed.GetValue(_apiKeys) ?? [],
            },
        };
    }

    private static void Require(bool condition, string problem)
    {
        if (!condition)
        {
            throw new CliException(problem, ExitCodes.Usage);
        }
    }

    /// <summary>A tenant follows the last =; a key that ends with = has none.</summary>
    private static ApiKey[] ParseApiKeys(ArgumentResult result)
    {
        var keys = new List<ApiKey>();
        foreach (var token in result.Tokens)
        {
            int split = token.Value.LastIndexOf('=');
            bool named = split >= 0 && split < token.Value.Length - 1;
            string key = named ? token.Value[..split] : token.Value;
            if (key.Length == 0)
            {
                result.AddError("--api-key needs a key");
            }

            keys.Add(new ApiKey(key, named ? token.Value[(split + 1)..] : null));
        }

        return [.. keys];
    }
}

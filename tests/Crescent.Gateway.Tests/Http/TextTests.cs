using System.Text.Json;

namespace Crescent.Gateway.Tests.Http;

public sealed class TextTests
{
    private const string Path = "/v1/completions";

    private readonly FakeCluster _cluster = new FakeCluster(chatTemplate: null).Says("one two");

    [Fact]
    public async Task A_whole_answer_has_OpenAIs_shape()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement answer = await server.PostJsonAsync(Path, Body("\"abc\""));

        Assert.StartsWith("cmpl-", answer.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("text_completion", answer.GetProperty("object").GetString());
        Assert.Equal(
            """[{"index":0,"text":"one two","logprobs":null,"finish_reason":"stop"}]""",
            answer.GetProperty("choices").GetRawText());
        Assert.Equal(3, answer.GetProperty("usage").GetProperty("prompt_tokens").GetInt32());
    }

    [Fact]
    public async Task A_stream_joins_to_the_whole_answer()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        List<string> events = await server.PostStreamAsync(Path, Body("\"abc\"", "\"stream\":true"));

        Assert.Equal("[DONE]", events[^1]);
        Assert.Equal("one two", string.Concat(events[..^1].Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0].GetProperty("text").GetString())));
    }

    [Theory]
    [InlineData("\"ab\"", "ab")]
    [InlineData("[97,98]", "ab")]
    [InlineData("[\"ab\"]", "ab")]
    [InlineData("[[97,98]]", "ab")]
    [InlineData("[\"ab\",\"cd\"]", "ab|cd")]
    [InlineData("[[97,98],[99]]", "ab|c")]
    public async Task A_prompt_is_a_string_or_token_ids_or_several_of_either(string prompt, string expected)
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement answer = await server.PostJsonAsync(Path, Body(prompt));

        Assert.Equal(expected.Split('|').Length, answer.GetProperty("choices").GetArrayLength());
        Assert.Equal(
            expected.Split('|'),
            _cluster.Requests.OrderBy(r => r.Id).Select(r => ((ByteTokenizer)_cluster.Models[0].Tokenizer).Decode(r.PromptTokens)));
    }

    [Fact]
    public async Task Log_probabilities_have_the_legacy_shape()
    {
        _cluster.Says("Ab");
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement answer = await server.PostJsonAsync(Path, Body("\"x\"", "\"logprobs\":1"));

        Assert.Equal(
            """{"tokens":["A","b"],"token_logprobs":[-0.5,-0.5],"top_logprobs":[{"A":-0.5},{"b":-0.5}],"text_offset":[0,1]}""",
            answer.GetProperty("choices")[0].GetProperty("logprobs").GetRawText());
    }

    [Fact]
    public async Task Token_offsets_go_on_through_a_stream()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        List<string> events = await server.PostStreamAsync(Path, Body("\"x\"", "\"logprobs\":0,\"stream\":true"));

        IEnumerable<int> offsets = events[..^1].SelectMany(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0]
            .GetProperty("logprobs").GetProperty("text_offset").EnumerateArray().Select(o => o.GetInt32()));
        Assert.Equal([0, 1, 2, 3, 4, 5, 6], offsets);
    }

    [Fact]
    public async Task An_impossible_token_has_a_finite_log_probability()
    {
        _cluster.Logprob = float.NegativeInfinity;
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement answer = await server.PostJsonAsync(Path, Body("\"x\"", "\"logprobs\":0"));

        Assert.Equal(-9999, answer.GetProperty("choices")[0].GetProperty("logprobs").GetProperty("token_logprobs")[0].GetDouble());
    }

    private static string Body(string prompt, string members = "\"stream\":false") =>
        $$"""{"model":"{{FakeCluster.ModelId}}","prompt":{{prompt}},{{members}}}""";
}

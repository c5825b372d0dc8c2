using System.Text.Json;

namespace Crescent.Gateway.Tests.Http;

public sealed class ChatTests
{
    private const string Path = "/v1/chat/completions";

    private readonly FakeCluster _cluster = new FakeCluster { CachedTokens = 4 }.Says("Hé 😀!");

    [Fact]
    public async Task A_whole_answer_has_OpenAIs_shape()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement answer = await server.PostJsonAsync(Path, Body());

        Assert.StartsWith("chatcmpl-", answer.GetProperty("id").GetString(), StringComparison.Ordinal);
        Assert.Equal("chat.completion", answer.GetProperty("object").GetString());
        Assert.Equal(FakeCluster.ModelId, answer.GetProperty("model").GetString());
        Assert.True(answer.GetProperty("created").GetInt64() > 1_700_000_000);
        JsonElement choice = answer.GetProperty("choices")[0];
        Assert.Equal("""{"role":"assistant","content":"Hé \uD83D\uDE00!","refusal":null}""", choice.GetProperty("message").GetRawText());
        Assert.Equal("stop", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(JsonValueKind.Null, choice.GetProperty("logprobs").ValueKind);
        Assert.False(choice.TryGetProperty("stop_reason", out _));
        Assert.Equal(
            """{"prompt_tokens":20,"completion_tokens":10,"total_tokens":30,"prompt_tokens_details":{"cached_tokens":4}}""",
            answer.GetProperty("usage").GetRawText());
    }

    [Fact]
    public async Task A_stream_has_the_role_first_then_text_then_the_finish_reason_then_done()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        List<string> events = await server.PostStreamAsync(Path, Body("\"stream\":true"));

        Assert.Equal("[DONE]", events[^1]);
        JsonElement[] chunks = [.. events[..^1].Select(e => JsonDocument.Parse(e).RootElement)];
        Assert.All(chunks, c => Assert.Equal("chat.completion.chunk", c.GetProperty("object").GetString()));
        Assert.Single(chunks.Select(c => c.GetProperty("id").GetString()).Distinct());
        Assert.Equal(
            ["""{"role":"assistant","content":""}""", """{"content":"H"}""", """{"content":"é"}""", """{"content":" "}""", """{"content":"\uD83D\uDE00"}""", """{"content":"!"}""", "{}"],
            chunks.Select(c => c.GetProperty("choices")[0].GetProperty("delta").GetRawText()));
        Assert.All(chunks[..^1], c => Assert.Equal(JsonValueKind.Null, c.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind));
        Assert.Equal("stop", chunks[^1].GetProperty("choices")[0].GetProperty("finish_reason").GetString());
        Assert.All(chunks, c => Assert.False(c.TryGetProperty("usage", out _)));
    }

    [Fact]
    public async Task Usage_comes_in_a_last_chunk_without_choices_when_asked_for()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        List<string> events = await server.PostStreamAsync(Path, Body("\"stream\":true,\"stream_options\":{\"include_usage\":true}"));

        JsonElement last = JsonDocument.Parse(events[^2]).RootElement;
        Assert.Equal(0, last.GetProperty("choices").GetArrayLength());
        Assert.Equal(10, last.GetProperty("usage").GetProperty("completion_tokens").GetInt32());
        Assert.All(events[..^2], e => Assert.Equal(JsonValueKind.Null, JsonDocument.Parse(e).RootElement.GetProperty("usage").ValueKind));
    }

    [Fact]
    public async Task Each_of_n_choices_has_a_role_and_a_finish_reason_once()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        List<string> events = await server.PostStreamAsync(Path, Body("\"stream\":true,\"n\":3,\"max_tokens\":9"));

        JsonElement[] choices = [.. events[..^1].Select(e => JsonDocument.Parse(e).RootElement.GetProperty("choices")[0])];
        foreach (IGrouping<int, JsonElement> choice in choices.GroupBy(c => c.GetProperty("index").GetInt32()))
        {
            Assert.True(choice.First().GetProperty("delta").TryGetProperty("role", out _));
            Assert.Equal(1, choice.Count(c => c.GetProperty("delta").TryGetProperty("role", out _)));
            Assert.Equal("length", choice.Last().GetProperty("finish_reason").GetString());
            Assert.Equal(1, choice.Count(c => c.GetProperty("finish_reason").ValueKind == JsonValueKind.String));
        }
    }

    [Fact]
    public async Task Log_probabilities_name_tokens_with_bytes_and_likely_ones()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeCluster().Says("A"));
        JsonElement answer = await server.PostJsonAsync(Path, Body("\"logprobs\":true,\"top_logprobs\":2"));

        Assert.Equal(
            """{"content":[{"token":"A","logprob":-0.5,"bytes":[65],"top_logprobs":[{"token":"A","logprob":-0.5,"bytes":[65]},{"token":"B","logprob":-1.5,"bytes":[66]}]}],"refusal":null}""",
            answer.GetProperty("choices")[0].GetProperty("logprobs").GetRawText());
    }

    [Theory]
    [InlineData("\"max_tokens\":3", "length", null)]
    [InlineData("\"max_completion_tokens\":3", "length", null)]
    [InlineData("\"stop\":\" \"", "stop", "\" \"")]
    [InlineData("\"stop\":[\"zz\",\"!\"]", "stop", "\"!\"")]
    [InlineData("\"stop_token_ids\":[33]", "stop", "33")]
    public async Task A_choice_says_why_it_ended(string member, string reason, string? stopReason)
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement choice = (await server.PostJsonAsync(Path, Body(member))).GetProperty("choices")[0];

        Assert.Equal(reason, choice.GetProperty("finish_reason").GetString());
        Assert.Equal(stopReason, choice.TryGetProperty("stop_reason", out JsonElement stop) ? stop.GetRawText() : null);
    }

    [Theory]
    [InlineData(FinishReason.Deadline, "deadline")]
    [InlineData(FinishReason.Drained, "drained")]
    public async Task An_end_OpenAI_does_not_know_is_length_with_a_stop_reason(FinishReason reason, string name)
    {
        _cluster.EndAt = (_, position) => position == 1 ? reason : null;
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        JsonElement choice = (await server.PostJsonAsync(Path, Body())).GetProperty("choices")[0];

        Assert.Equal("length", choice.GetProperty("finish_reason").GetString());
        Assert.Equal(name, choice.GetProperty("stop_reason").GetString());
        Assert.Equal("H", choice.GetProperty("message").GetProperty("content").GetString());
    }

    [Fact]
    public async Task A_failed_worker_is_a_500_when_nothing_was_sent()
    {
        _cluster.EndAt = (_, position) => position == 1 ? FinishReason.Error : null;
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        using HttpResponseMessage response = await server.PostAsync(Path, Body());

        Assert.Equal(500, (int)response.StatusCode);
        Assert.Equal(
            """{"error":{"message":"The device is gone.","type":"server_error","param":null,"code":"worker_failed"}}""",
            await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_failed_worker_ends_a_stream_with_an_error_event()
    {
        _cluster.EndAt = (_, position) => position == 1 ? FinishReason.Error : null;
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        List<string> events = await server.PostStreamAsync(Path, Body("\"stream\":true"));

        Assert.Equal(3, events.Count);
        Assert.StartsWith("""{"error":{"message":"The device is gone.","type":"server_error",""", events[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_message_may_be_text_parts()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        string content = """[{"type":"text","text":"Hello "},{"type":"text","text":"there"}]""";
        await server.PostJsonAsync(Path, $$"""{"model":"{{FakeCluster.ModelId}}","messages":[{"role":"user","content":{{content}}}]}""");

        Assert.Contains("user\nHello there", Prompt(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parameters_reach_the_worker()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(_cluster);
        await server.PostJsonAsync(Path, Body("""
            "temperature":0.5,"top_p":0.9,"top_k":7,"min_p":0.1,"repetition_penalty":1.1,"presence_penalty":-1,
            "frequency_penalty":2,"logit_bias":{"65":-100},"seed":-1,"priority":-3,"cache_salt":"s","max_tokens":16.0,
            "stop":null,"user":"u","unknown":{"a":[1]}
            """));

        GenerateRequest request = _cluster.Requests.Single();
        Assert.Equal(
            (0.5f, 0.9f, 7, 0.1f, 1.1f, -1f, 2f, ulong.MaxValue),
            (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.TopK, request.Sampling.MinP,
                request.Sampling.RepetitionPenalty, request.Sampling.PresencePenalty, request.Sampling.FrequencyPenalty, request.Sampling.Seed));
        Assert.Equal(-100, request.Sampling.LogitBias![65]);
        Assert.Equal((-3, "s", 16), (request.Priority, request.CacheSalt, request.MaxTokens));
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_text()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        string[] texts = [.. await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            JsonElement answer = await server.PostJsonAsync(Path, Body($"\"seed\":{i % 2},\"max_tokens\":30"));
            return answer.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString()!;
        }))];

        Assert.Equal(2, texts.Distinct().Count());
    }

    private static string Body(string members = "\"stream\":false") =>
        $$"""{"model":"{{FakeCluster.ModelId}}","messages":[{"role":"user","content":"x"}],{{members}}}""";

    private string Prompt() => ((ByteTokenizer)_cluster.Models[0].Tokenizer).Decode(_cluster.Requests.Single().PromptTokens);
}

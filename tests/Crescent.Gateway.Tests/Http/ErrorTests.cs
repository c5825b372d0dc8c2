using System.Text;
using System.Text.Json;
using Crescent.Gateway.Auth;

namespace Crescent.Gateway.Tests.Http;

public sealed class ErrorTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Text = "/v1/completions";

    [Theory]
    [InlineData("\"temperature\":-1", "temperature", "'temperature' must be between 0 and 2, not -1.")]
    [InlineData("\"temperature\":1e400", "temperature", "'temperature' must be between 0 and 2, not Infinity.")]
    [InlineData("\"temperature\":\"hot\"", "temperature", "'temperature' must be a number, not a string.")]
    [InlineData("\"top_p\":1.5", "top_p", "'top_p' must be between 0 and 1, not 1.5.")]
    [InlineData("\"min_p\":-0.5", "min_p", "'min_p' must be between 0 and 1, not -0.5.")]
    [InlineData("\"top_k\":-2", "top_k", "'top_k' must be at least -1, not -2.")]
    [InlineData("\"repetition_penalty\":0", "repetition_penalty", "'repetition_penalty' must be above 0 and at most 2, not 0.")]
    [InlineData("\"presence_penalty\":3", "presence_penalty", "'presence_penalty' must be between -2 and 2, not 3.")]
    [InlineData("\"frequency_penalty\":[]", "frequency_penalty", "'frequency_penalty' must be a number, not an array.")]
    [InlineData("\"max_tokens\":0", "max_tokens", "'max_tokens' must be at least 1, not 0.")]
    [InlineData("\"max_tokens\":-5", "max_tokens", "'max_tokens' must be at least 1, not -5.")]
    [InlineData("\"max_tokens\":1.5", "max_tokens", "'max_tokens' must be a whole number of at most 32 bits, not the number 1.5.")]
    [InlineData("\"max_tokens\":99999999999", "max_tokens", "'max_tokens' must be a whole number of at most 32 bits, not the number 99999999999.")]
    [InlineData("\"n\":0", "n", "'n' must be between 1 and 16, not 0.")]
    [InlineData("\"n\":1000000000", "n", "'n' must be between 1 and 16, not 1000000000.")]
    [InlineData("\"seed\":1.5", "seed", "'seed' must be a whole number of at most 64 bits, not the number 1.5.")]
    [InlineData("\"stop\":1", "stop", "'stop' must be a string or an array of strings, not the number 1.")]
    [InlineData("\"stop\":[1]", "stop[0]", "'stop[0]' must be a string, not the number 1.")]
    [InlineData("\"stop\":\"\"", "stop", "'stop' must not contain an empty string.")]
    [InlineData("\"stop_token_ids\":[-1]", "stop_token_ids", "'stop_token_ids' has the token id -1; the model's ids are 0 to 257.")]
    [InlineData("\"stop_token_ids\":5", "stop_token_ids", "'stop_token_ids' must be an array of token ids, not the number 5.")]
    [InlineData("\"logit_bias\":{\"999\":1}", "logit_bias", "'logit_bias' has the token id 999; the model's ids are 0 to 257.")]
    [InlineData("\"logit_bias\":{\"5\":101}", "logit_bias", "'logit_bias' must be between -100 and 100, not 101.")]
    [InlineData("\"logit_bias\":{\"a\":1}", "logit_bias", "'logit_bias' must have token ids as its keys.")]
    [InlineData("\"stream\":\"yes\"", "stream", "'stream' must be true or false, not a string.")]
    [InlineData("\"stream_options\":{\"include_usage\":true}", "stream_options", "'stream_options' needs 'stream' to be true.")]
    [InlineData("\"stream\":true,\"stream_options\":{\"include_usage\":1}", "stream_options.include_usage", "'stream_options.include_usage' must be true or false, not the number 1.")]
    [InlineData("\"ignore_eos\":1", "ignore_eos", "'ignore_eos' must be true or false, not the number 1.")]
    [InlineData("\"priority\":\"high\"", "priority", "'priority' must be a whole number of at most 32 bits, not a string.")]
    [InlineData("\"cache_salt\":1", "cache_salt", "'cache_salt' must be a string, not the number 1.")]
    public async Task A_wrong_parameter_is_named_with_its_limit(string member, string param, string message)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        foreach (string path in new[] { Chat, Text })
        {
            using HttpResponseMessage response = await server.PostAsync(path, Body(path, member));
            await AssertErrorAsync(response, 400, "invalid_request_error", message, param);
        }
    }

    [Theory]
    [InlineData("\"logprobs\":1", "'logprobs' must be true or false, not the number 1.", "logprobs")]
    [InlineData("\"top_logprobs\":3", "'top_logprobs' needs 'logprobs' to be true.", "top_logprobs")]
    [InlineData("\"logprobs\":true,\"top_logprobs\":21", "'top_logprobs' must be between 0 and 20, not 21.", "top_logprobs")]
    [InlineData("\"tools\":[{\"type\":\"function\"}]", "Tools are not supported ('tools').", "tools")]
    [InlineData("\"functions\":[{}]", "Functions are not supported ('functions').", "functions")]
    [InlineData("\"response_format\":{\"type\":\"json_object\"}", "Only the response format 'text' is supported ('response_format').", "response_format")]
    [InlineData("\"modalities\":[\"audio\"]", "Only the modality 'text' is supported ('modalities').", "modalities")]
    public async Task A_wrong_parameter_of_chat_is_named(string member, string message, string param)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Chat, Body(Chat, member));
        await AssertErrorAsync(response, 400, "invalid_request_error", message, param);
    }

    [Theory]
    [InlineData("\"logprobs\":21", "'logprobs' must be between 0 and 20, not 21.", "logprobs")]
    [InlineData("\"logprobs\":true", "'logprobs' must be a whole number of at most 32 bits, not true.", "logprobs")]
    [InlineData("\"echo\":true", "Echoing the prompt is not supported ('echo').", "echo")]
    [InlineData("\"suffix\":\"x\"", "A suffix is not supported ('suffix').", "suffix")]
    [InlineData("\"best_of\":3", "Choosing the best of several is not supported; best_of can only equal n ('best_of').", "best_of")]
    public async Task A_wrong_parameter_of_completions_is_named(string member, string message, string param)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Text, Body(Text, member));
        await AssertErrorAsync(response, 400, "invalid_request_error", message, param);
    }

    [Theory]
    [InlineData("{}", "'messages' is required.", "messages")]
    [InlineData("""{"messages":[]}""", "'model' is required.", "model")]
    [InlineData("""{"model":"fake/model","messages":[]}""", "'messages' must have at least one message.", "messages")]
    [InlineData("""{"model":1,"messages":[]}""", "'model' must be a string, not the number 1.", "model")]
    [InlineData("""{"model":"fake/model","messages":"hi"}""", "'messages' must be an array of messages, not a string.", "messages")]
    [InlineData("""{"model":"fake/model","messages":[7]}""", "'messages[0]' must be an object, not the number 7.", "messages[0]")]
    [InlineData("""{"model":"fake/model","messages":[{"content":"x"}]}""", "'messages[0].role' is required.", "messages[0].role")]
    [InlineData("""{"model":"fake/model","messages":[{"role":"user"}]}""", "'messages[0].content' is required.", "messages[0].content")]
    [InlineData("""{"model":"fake/model","messages":[{"role":"robot","content":"x"}]}""", "'messages[0].role' must be system, developer, user or assistant.", "messages[0].role")]
    [InlineData("""{"model":"fake/model","messages":[{"role":"user","content":"\ud800"}]}""", "'messages[0].content' has an unpaired surrogate (\\ud800–\\udfff).", "messages[0].content")]
    [InlineData("""{"model":"fake/model","messages":[{"role":"user","content":[{"type":"image_url"}]}]}""", "Only content of the type 'text' is supported ('messages[0].content[0].type').", "messages[0].content[0].type")]
    [InlineData("""{"model":"fake/model","messages":[{"role":"user","content":[{"type":"text"}]}]}""", "'messages[0].content[0].text' is required.", "messages[0].content[0].text")]
    public async Task Wrong_messages_are_named_by_place(string body, string message, string param)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Chat, body);
        await AssertErrorAsync(response, 400, "invalid_request_error", message, param);
    }

    [Theory]
    [InlineData("null", "'prompt' is required.", "prompt")]
    [InlineData("\"\"", "'prompt' must have at least one token.", "prompt")]
    [InlineData("[]", "'prompt' must not be an empty list.", "prompt")]
    [InlineData("[[]]", "'prompt' must have at least one token.", "prompt")]
    [InlineData("{}", "'prompt' must be a string, an array of token ids, or an array of either, not an object.", "prompt")]
    [InlineData("[1,\"a\"]", "'prompt[1]' must be a whole number of at most 32 bits, not a string.", "prompt[1]")]
    [InlineData("[\"a\",1]", "'prompt[1]' must be an array of token ids, not the number 1.", "prompt[1]")]
    [InlineData("[1,258]", "'prompt' has the token id 258; the model's ids are 0 to 257.", "prompt")]
    [InlineData("[1,-1]", "'prompt' has the token id -1; the model's ids are 0 to 257.", "prompt")]
    public async Task A_wrong_prompt_is_named(string prompt, string message, string param)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Text, $$"""{"model":"fake/model","prompt":{{prompt}}}""");
        await AssertErrorAsync(response, 400, "invalid_request_error", message, param);
    }

    [Fact]
    public async Task Too_many_prompts_are_refused_with_the_numbers()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        string prompts = string.Join(',', Enumerable.Repeat("\"a\"", 9));
        using HttpResponseMessage response = await server.PostAsync(Text, $$"""{"model":"fake/model","prompt":[{{prompts}}],"n":2}""");

        await AssertErrorAsync(response, 400, "invalid_request_error", "'prompt' asks for 18 choices (9 prompts × n 2); at most 16 are served at a time.", "prompt");
    }

    [Fact]
    public async Task Ten_thousand_stop_strings_are_refused_with_the_numbers()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        string stops = string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"s{i}\""));
        using HttpResponseMessage response = await server.PostAsync(Chat, Body(Chat, $"\"stop\":[{stops}]"));

        await AssertErrorAsync(response, 400, "invalid_request_error", "'stop' must have at most 64 strings, not 10000.", "stop");
    }

    [Fact]
    public async Task A_long_stop_string_is_refused_with_the_numbers()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Chat, Body(Chat, $"\"stop\":\"{new string('x', 1025)}\""));

        await AssertErrorAsync(response, 400, "invalid_request_error", "'stop' must have strings of at most 1024 characters, not 1025.", "stop");
    }

    [Fact]
    public async Task A_model_without_a_chat_template_points_to_completions()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(new FakeCluster(chatTemplate: null));
        using HttpResponseMessage response = await server.PostAsync(Chat, Body(Chat));

        await AssertErrorAsync(response, 400, "invalid_request_error", "The model 'fake/model' has no supported chat template (ChatML or Llama 3); use /v1/completions.", "messages");
    }

    [Fact]
    public async Task A_prompt_over_the_context_is_refused()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Text, $$"""{"model":"fake/model","prompt":"{{new string('x', 600)}}"}""");
        JsonElement error = await AssertErrorAsync(
            response, 400, "invalid_request_error", "The prompt has 600 tokens, which leaves no room for an answer in the model's context of 512 tokens.", "prompt");

        Assert.Equal("context_length_exceeded", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task An_unknown_model_is_404_model_not_found()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Text, """{"model":"gpt-5","prompt":"x"}""");
        JsonElement error = await AssertErrorAsync(
            response, 404, "invalid_request_error", "There is no model 'gpt-5' here; ask for one of: fake/model.", "model");

        Assert.Equal("model_not_found", error.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{\"model\":NaN}")]
    [InlineData("{\"model\":\"x\",}")]
    [InlineData("{} {}")]
    public async Task Malformed_JSON_is_400(string body)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Chat, body);

        Assert.Equal(400, (int)response.StatusCode);
        Assert.StartsWith("The body is not valid JSON (line 1, byte ", (await ErrorAsync(response)).GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[]", "The body must be a JSON object, not an array.")]
    [InlineData("{\"model\":\"m\",\"messages\":[],\"logit_bias\":{\"\\ud800\":1}}", "The body has an unpaired surrogate (\\ud800–\\udfff).")]
    [InlineData("{\"\\ud800\":1}", "The body has an unpaired surrogate (\\ud800–\\udfff).")]
    public async Task A_body_that_is_not_a_readable_object_is_400(string body, string message)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Chat, body);
        await AssertErrorAsync(response, 400, "invalid_request_error", message, null);
    }

    [Fact]
    public async Task Deeply_nested_JSON_is_400()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Chat, new string('[', 100_000));
        Assert.Equal(400, (int)response.StatusCode);
    }

    [Fact]
    public async Task Invalid_UTF8_is_400()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        byte[] body = [.. Encoding.UTF8.GetBytes("""{"model":"fake/model","prompt":" """), 0xC3, 0x28, (byte)'"', (byte)'}'];
        using HttpResponseMessage response = await server.PostAsync(Text, body);
        await AssertErrorAsync(response, 400, "invalid_request_error", "The body is not valid UTF-8.", null);
    }

    [Fact]
    public async Task A_byte_order_mark_is_read_over()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync(Text, [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Body(Text))]);
        Assert.Equal(200, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_body_over_the_limit_is_413()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(options: new GatewayOptions { MaxBodyBytes = 1000 });
        using HttpResponseMessage response = await server.PostAsync(Text, Body(Text, $"\"user\":\"{new string('x', 1000)}\""));

        Assert.Equal(413, (int)response.StatusCode);
        JsonElement error = await ErrorAsync(response);
        Assert.Equal("body_too_large", error.GetProperty("code").GetString());
        Assert.Contains("1000 bytes", error.GetProperty("message").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET", Chat, "POST")]
    [InlineData("GET", Text, "POST")]
    [InlineData("DELETE", Text, "POST")]
    [InlineData("POST", "/v1/models", "GET")]
    [InlineData("DELETE", "/v1/models/fake/model", "GET")]
    [InlineData("POST", "/metrics", "GET")]
    public async Task A_wrong_method_is_405(string method, string path, string allowed)
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.Client.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        await AssertErrorAsync(response, 405, "invalid_request_error", $"{path} does not take {method}; it takes {allowed}.", null);
        Assert.Equal([allowed], response.Content.Headers.Allow);
    }

    [Fact]
    public async Task An_unknown_path_is_404()
    {
        await using GatewayServer server = await GatewayServer.StartAsync();
        using HttpResponseMessage response = await server.PostAsync("/v1/embeddings", "{}");
        await AssertErrorAsync(response, 404, "invalid_request_error", "There is nothing at /v1/embeddings.", null);
    }

    [Fact]
    public async Task Overload_is_429_with_a_time_to_retry_and_ends_with_the_load()
    {
        var held = new TaskCompletionSource();
        var cluster = new FakeCluster { BeforeToken = (_, position) => position == 0 ? Task.CompletedTask : held.Task };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster, new GatewayOptions { MaxRequests = 1 });
        Task<List<string>> running = server.PostStreamAsync(Text, Body(Text, "\"stream\":true"));
        await Until.TrueAsync(() => cluster.Running == 1);

        using (HttpResponseMessage refused = await server.PostAsync(Text, Body(Text, "\"stream\":true")))
        {
            Assert.Equal(429, (int)refused.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(1), refused.Headers.RetryAfter?.Delta);
            Assert.Equal("rate_limit_error", (await ErrorAsync(refused)).GetProperty("type").GetString());
        }

        held.SetResult();
        await running;
        using HttpResponseMessage served = await server.PostAsync(Text, Body(Text));
        Assert.Equal(200, (int)served.StatusCode);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_refusal_of_the_worker_is_a_status_also_for_a_stream(bool stream)
    {
        var cluster = new FakeCluster { OnStart = _ => throw new RequestException(RefusalKind.Unavailable, "No worker.") { RetryAfter = TimeSpan.FromSeconds(2.5) } };
        await using GatewayServer server = await GatewayServer.StartAsync(cluster);
        using HttpResponseMessage response = await server.PostAsync(Text, Body(Text, $"\"stream\":{(stream ? "true" : "false")}"));

        await AssertErrorAsync(response, 503, "server_error", "No worker.", null);
        Assert.Equal(TimeSpan.FromSeconds(3), response.Headers.RetryAfter?.Delta);
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Text)]
    public async Task Without_the_right_key_it_is_401(string path)
    {
        await using GatewayServer server = await GatewayServer.StartAsync(options: new GatewayOptions { ApiKeys = [new ApiKey("secret", "law")] });
        using HttpResponseMessage refused = await server.PostAsync(path, Body(path));
        Assert.Equal(401, (int)refused.StatusCode);
        Assert.Equal("invalid_api_key", (await ErrorAsync(refused)).GetProperty("code").GetString());
        Assert.Equal("Bearer", refused.Headers.WwwAuthenticate.ToString());

        server.Client.DefaultRequestHeaders.Authorization = new("Bearer", "secret");
        using HttpResponseMessage served = await server.PostAsync(path, Body(path));
        Assert.Equal(200, (int)served.StatusCode);
        Assert.Equal("law", server.Cluster.Requests.Single().Tenant);
    }

    private static string Body(string path, string members = "\"stream\":false") => path == Chat
        ? $$"""{"model":"fake/model","messages":[{"role":"user","content":"x"}],{{members}}}"""
        : $$"""{"model":"fake/model","prompt":"x",{{members}}}""";

    private static async Task<JsonElement> AssertErrorAsync(HttpResponseMessage response, int status, string type, string message, string? param)
    {
        JsonElement error = await ErrorAsync(response);
        Assert.Equal(message, error.GetProperty("message").GetString());
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(type, error.GetProperty("type").GetString());
        Assert.Equal(param, error.GetProperty("param").GetString());
        return error;
    }

    private static async Task<JsonElement> ErrorAsync(HttpResponseMessage response)
    {
        Assert.Equal("application/json", response.Content.Headers.ContentType?.MediaType);
        return (await GatewayServer.ReadJsonAsync(response)).GetProperty("error");
    }
}

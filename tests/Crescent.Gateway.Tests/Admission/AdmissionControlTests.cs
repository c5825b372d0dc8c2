using Crescent.Gateway.Admission;

namespace Crescent.Gateway.Tests.Admission;

public sealed class AdmissionControlTests
{
    private readonly AdmissionControl _admission = new(new GatewayOptions { MaxRequests = 4, MaxPromptTokens = 100 });

    [Fact]
    public void One_request_too_many_is_overload_with_a_time_to_retry()
    {
        using IDisposable held = _admission.Admit(3, 10);

        var refusal = Assert.Throws<RequestException>(() => _admission.Admit(2, 10));
        Assert.Equal(RefusalKind.Overloaded, refusal.Kind);
        Assert.Equal(TimeSpan.FromSeconds(1), refusal.RetryAfter);
        Assert.Contains("3 of at most 4 requests", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_prompt_token_too_many_is_overload()
    {
        using IDisposable held = _admission.Admit(1, 60);

        Assert.Contains("60 of at most 100 prompt tokens", Assert.Throws<RequestException>(() => _admission.Admit(1, 41)).Message, StringComparison.Ordinal);
        _admission.Admit(1, 40).Dispose();
    }

    [Fact]
    public void What_is_larger_than_the_limit_is_admitted_alone()
    {
        using IDisposable held = _admission.Admit(1, 1000);

        Assert.Throws<RequestException>(() => _admission.Admit(1, 1));
    }

    [Fact]
    public void Giving_back_twice_counts_once()
    {
        IDisposable first = _admission.Admit(1, 10);
        using IDisposable second = _admission.Admit(1, 20);
        first.Dispose();
        first.Dispose();

        Assert.Equal(1, _admission.Requests);
        Assert.Equal(20, _admission.PromptTokens);
    }

    [Fact]
    public void A_full_gateway_refuses_before_a_prompt_is_tokenized()
    {
        _admission.ThrowIfFull();
        using IDisposable held = _admission.Admit(4, 1);

        Assert.Throws<RequestException>(_admission.ThrowIfFull);
    }
}

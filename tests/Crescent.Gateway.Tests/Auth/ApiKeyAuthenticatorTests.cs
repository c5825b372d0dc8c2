using Crescent.Gateway.Auth;

namespace Crescent.Gateway.Tests.Auth;

public sealed class ApiKeyAuthenticatorTests
{
    [Theory]
    [InlineData(null)]
    [InlineData("Bearer whatever")]
    public void Without_keys_everybody_is_the_empty_tenant(string? header) =>
        Assert.Equal("", new ApiKeyAuthenticator(new GatewayOptions()).Authenticate(header));

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer ")]
    [InlineData("Bearer key-1x")]
    [InlineData("Bearer KEY-1")]
    [InlineData("Basic key-1")]
    [InlineData("key-1")]
    public void A_missing_or_wrong_key_is_refused(string? header)
    {
        var refusal = Assert.Throws<RequestException>(() => Create().Authenticate(header));
        Assert.Equal(RefusalKind.Unauthenticated, refusal.Kind);
        Assert.DoesNotContain("key-1", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_names_its_tenant_or_is_named_by_its_hash()
    {
        ApiKeyAuthenticator authenticator = Create();

        Assert.Equal("law", authenticator.Authenticate("Bearer key-2"));
        Assert.Equal("law", authenticator.Authenticate("bearer  key-2 "));
        string tenant = authenticator.Authenticate("Bearer key-1");
        Assert.Matches("^[0-9a-f]{12}$", tenant);
        Assert.Equal(tenant, Create().Authenticate("Bearer key-1"));
    }

    private static ApiKeyAuthenticator Create() =>
        new(new GatewayOptions { ApiKeys = [new ApiKey("key-1"), new ApiKey("key-2", "law")] });
}

using StackExchange.Redis;

namespace Crescent.Portable.Tests.Redis;

/// <summary>What the stand-in cannot do it refuses by name, before it connects to anything.</summary>
public class ConfigurationTests
{
    [Theory]
    [InlineData("a:1,b:2", "full set")]
    [InlineData("a:1,serviceName=main", "serviceName")]
    [InlineData("a:1,proxy=twemproxy", "proxy")]
    [InlineData("a:1,ssl=perhaps", "ssl")]
    [InlineData("a:one", "port")]
    [InlineData("a:1,defaultDatabase=-1", "defaultDatabase")]
    [InlineData("ssl=true", "no endpoint")]
    public void What_it_cannot_do_is_refused_by_name(string connection, string named)
    {
        var refusal = Assert.Throws<ArgumentException>(() => ConfigurationOptions.Parse(connection));

        Assert.Contains(named, refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_refusal_repeats_no_value()
    {
        var refusal = Assert.Throws<ArgumentException>(() => ConfigurationOptions.Parse("a:1,pasword=secret"));

        Assert.DoesNotContain("secret", refusal.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("localhost")]
    [InlineData("[::1]:7000,ssl=true,sslHost=b,user=c,password=d=e,defaultDatabase=1,connectTimeout=10,abortConnect=false")]
    public void What_one_endpoint_needs_is_understood(string connection)
    {
        Assert.NotNull(ConfigurationOptions.Parse(connection));
    }
}

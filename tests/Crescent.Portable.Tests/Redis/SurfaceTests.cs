using StackExchange.Redis;

namespace Crescent.Portable.Tests.Redis;

/// <summary>The stand-in has no public member without a use.</summary>
public class SurfaceTests
{
    [Fact]
    public void Every_public_member_is_used_by_src() => Assert.Empty(PublicSurface.Unused(typeof(IDatabase).Assembly, _ => false));
}

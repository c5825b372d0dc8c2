using Grpc.Core;

namespace Crescent.Portable.Tests.Grpc;

/// <summary>The stand-in has no public member without a use.</summary>
public class SurfaceTests
{
    /// <summary>
    /// Users are the assemblies of src, and the stand-in's reflection service: that is written against the rest of it
    /// like any service, with the code that Grpc.Tools generates for it.
    /// </summary>
    [Fact]
    public void Every_public_member_is_used_by_src_or_by_generated_code() => Assert.Empty(
        PublicSurface.Unused(typeof(Status).Assembly, type => type.Namespace?.StartsWith("Grpc.Reflection", StringComparison.Ordinal) == true));
}

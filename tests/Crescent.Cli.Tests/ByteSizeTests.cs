using Crescent.Cli.Output;

namespace Crescent.Cli.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("1", 1L)]
    [InlineData("100b", 100L)]
    [InlineData("2K", 2048L)]
    [InlineData("2KB", 2000L)]
    [InlineData("2kib", 2048L)]
    [InlineData("512MiB", 536_870_912L)]
    [InlineData("1.5 GiB", 1_610_612_736L)]
    [InlineData("2GB", 2_000_000_000L)]
    [InlineData("1T", 1_099_511_627_776L)]
    public void A_size_is_a_number_and_a_unit(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out long parsed));
        Assert.Equal(bytes, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("G")]
    [InlineData("-1")]
    [InlineData("2GiBs")]
    [InlineData("2X")]
    [InlineData("1,5G")]
    [InlineData("1e3")]
    [InlineData("NaN")]
    [InlineData("99999999999T")]
    public void What_is_not_a_size_is_refused(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0L, "0 B")]
    [InlineData(1023L, "1023 B")]
    [InlineData(1536L, "1.5 KiB")]
    [InlineData(20L << 20, "20 MiB")]
    [InlineData(5L << 50, "5120 TiB")]
    public void A_size_is_written_in_binary_units(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}

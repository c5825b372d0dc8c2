using Crescent.Cli.Answers;

namespace Crescent.Cli.Tests;

public sealed class PrometheusTextTests
{
    private const string Scrape = """
        # HELP requests Choices that ended.
        # TYPE requests counter
        requests{model="a",finish_reason="stop"} 3
        requests{model="a",finish_reason="length"} 4
        requests{model="b \"quoted\\",finish_reason="stop"} 1.5e1 1700000000
        info{model="a",block_size="64"} 1
        plain 7
        broken{model="a 1
        """;

    [Fact]
    public void Samples_of_one_model_are_summed() => Assert.Equal(7, PrometheusText.Parse(Scrape).Sum("requests", "model", "a"));

    [Fact]
    public void Escapes_and_timestamps_are_understood() =>
        Assert.Equal(15, PrometheusText.Parse(Scrape).Sum("requests", "model", "b \"quoted\\"));

    [Fact]
    public void Another_label_can_be_read() => Assert.Equal("64", PrometheusText.Parse(Scrape).Label("info", "model", "a", "block_size"));

    [Fact]
    public void What_is_not_there_is_null()
    {
        var metrics = PrometheusText.Parse(Scrape);
        Assert.Null(metrics.Sum("requests", "model", "c"));
        Assert.Null(metrics.Sum("broken", "model", "a"));
        Assert.Null(metrics.Label("info", "model", "a", "other"));
    }
}

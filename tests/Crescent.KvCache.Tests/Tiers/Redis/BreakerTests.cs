using Crescent.KvCache.Tiers.Redis;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Redis;

public class BreakerTests
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(2);

    private readonly ManualTime _time = new();
    private readonly Breaker _breaker;

    public BreakerTests()
    {
        _breaker = new Breaker(_time, Pause);
    }

    [Fact]
    public void Failures_that_are_not_in_a_row_change_nothing()
    {
        for (int i = 0; i < 10; i++)
        {
            Fail(2);
            _breaker.Succeed();
        }

        Assert.Equal(Breaker.Advice.Ask, _breaker.Advise());
    }

    [Fact]
    public void After_three_in_a_row_there_is_a_pause_and_then_one_probe()
    {
        Fail(3);

        Assert.Equal(Breaker.Advice.Leave, _breaker.Advise());
        _time.Advance(Pause - TimeSpan.FromTicks(1));
        Assert.Equal(Breaker.Advice.Leave, _breaker.Advise());
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(Breaker.Advice.Probe, _breaker.Advise());
        Assert.Equal(Breaker.Advice.Leave, _breaker.Advise());
    }

    [Fact]
    public void Each_probe_that_fails_doubles_the_pause_up_to_32_times()
    {
        Fail(3);
        foreach (int times in new[] { 1, 2, 4, 8, 16, 32, 32 })
        {
            _time.Advance((Pause * times) - TimeSpan.FromTicks(1));
            Assert.Equal(Breaker.Advice.Leave, _breaker.Advise());
            _time.Advance(TimeSpan.FromTicks(1));
            Assert.Equal(Breaker.Advice.Probe, _breaker.Advise());
            _breaker.EndProbe(answered: false);
        }
    }

    [Fact]
    public void After_a_probe_that_succeeds_one_failure_is_enough_and_one_success_makes_all_well()
    {
        Recover();
        Fail(1);
        Assert.Equal(Breaker.Advice.Leave, _breaker.Advise());
        _time.Advance(Pause);
        Assert.Equal(Breaker.Advice.Leave, _breaker.Advise());
        _time.Advance(Pause);
        Assert.Equal(Breaker.Advice.Probe, _breaker.Advise());
        _breaker.EndProbe(answered: true);

        _breaker.Succeed();
        Fail(2);
        Assert.Equal(Breaker.Advice.Ask, _breaker.Advise());
        Fail(1);
        _time.Advance(Pause);
        Assert.Equal(Breaker.Advice.Probe, _breaker.Advise());
    }

    [Fact]
    public void What_was_asked_before_the_pause_and_ends_in_it_changes_nothing()
    {
        Fail(3);
        _breaker.Succeed();
        Fail(5);

        _time.Advance(Pause);
        Assert.Equal(Breaker.Advice.Probe, _breaker.Advise());
    }

    private void Recover()
    {
        Fail(3);
        _time.Advance(Pause);
        Assert.Equal(Breaker.Advice.Probe, _breaker.Advise());
        _breaker.EndProbe(answered: true);
        Assert.Equal(Breaker.Advice.Ask, _breaker.Advise());
    }

    private void Fail(int times)
    {
        for (int i = 0; i < times; i++)
        {
            _breaker.Fail();
        }
    }
}

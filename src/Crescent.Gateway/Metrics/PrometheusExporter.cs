using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;

namespace Crescent.Gateway.Metrics;

/// <summary>
/// Sums up the measurements of one meter and writes them as Prometheus text (format 0.0.4). Label values come from
/// served models and enums; more than <see cref="MaxSeries"/> of one instrument are not kept.
/// </summary>
public sealed class PrometheusExporter : IDisposable
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private const int MaxSeries = 1000;
    private const int MaxLabelLength = 512;

    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<string, Family> _families = new();
    private readonly Lock _scrape = new();

    public PrometheusExporter(GatewayMetrics metrics)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, metrics.Meter))
            {
                listener.EnableMeasurementEvents(instrument, _families.GetOrAdd(instrument.Name, _ => new Family(instrument)));
            }
        };
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.SetMeasurementEventCallback<double>(static (_, value, tags, state) => ((Family)state!).Record(value, tags));
        _listener.Start();
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>Everything measured so far, gauges as of now.</summary>
    public string Write()
    {
        lock (_scrape)
        {
            foreach (Family family in _families.Values)
            {
                family.ForgetGauges();
            }

            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (Family family in _families.Values.OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                family.Write(text);
            }

            return text.ToString();
        }
    }

    private static string Format(double value) => value.ToString("R", CultureInfo.InvariantCulture);

    /// <summary>All series of one instrument, by their label text: <c>model="a",finish_reason="stop"</c>.</summary>
    private sealed class Family(Instrument instrument)
    {
        private readonly ConcurrentDictionary<string, Series> _series = new(StringComparer.Ordinal);
        private readonly IReadOnlyList<double>? _buckets =
            (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries;

        private readonly bool _isGauge = instrument.IsObservable;

        public string Name => instrument.Name;

        public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            Span<char> labels = stackalloc char[MaxLabelLength];
            int length = WriteLabels(labels, tags);
            var lookup = _series.GetAlternateLookup<ReadOnlySpan<char>>();
            if (!lookup.TryGetValue(labels[..length], out Series? series))
            {
                if (_series.Count >= MaxSeries)
                {
                    return;
                }

                series = _series.GetOrAdd(labels[..length].ToString(), _ => new Series(_buckets));
            }

            series.Record(value, _isGauge);
        }

        public void ForgetGauges()
        {
            if (_isGauge)
            {
                _series.Clear();
            }
        }

        public void Write(StringBuilder text)
        {
            string type = _buckets is not null ? "histogram" : _isGauge ? "gauge" : "counter";
            text.Append(CultureInfo.InvariantCulture, $"# HELP {Name} {instrument.Description}\n# TYPE {Name} {type}\n");
            foreach ((string labels, Series series) in _series.OrderBy(s => s.Key, StringComparer.Ordinal))
            {
                series.Write(text, Name, labels);
            }
        }

        private static int WriteLabels(Span<char> destination, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            int length = 0;
            foreach ((string name, object? value) in tags)
            {
                string escaped = Escape(value as string ?? "");
                if (!destination[length..].TryWrite($"{(length == 0 ? "" : ",")}{name}=\"{escaped}\"", out int written))
                {
                    break;
                }

                length += written;
            }

            return length;
        }

        private static string Escape(string value) =>
            value.AsSpan().IndexOfAny('\\', '"', '\n') < 0
                ? value
                : value.Replace("\\", "\\\\").Replace("\"", "\\\"").Replace("\n", "\\n");
    }

    /// <summary>One counter, gauge or histogram.</summary>
    private sealed class Series(IReadOnlyList<double>? buckets)
    {
        private readonly Lock _lock = new();

        /// <summary>Per bucket, not cumulative; the last is above all bounds.</summary>
        private readonly long[] _counts = new long[(buckets?.Count ?? 0) + 1];

        private double _value;

        public void Record(double value, bool replace)
        {
            lock (_lock)
            {
                _value = replace ? value : _value + value;
                int bucket = 0;
                while (buckets is not null && bucket < buckets.Count && value > buckets[bucket])
                {
                    bucket++;
                }

                _counts[bucket]++;
            }
        }

        public void Write(StringBuilder text, string name, string labels)
        {
            lock (_lock)
            {
                string braced = labels.Length == 0 ? "" : $"{{{labels}}}";
                if (buckets is null)
                {
                    text.Append(name).Append(braced).Append(' ').Append(Format(_value)).Append('\n');
                    return;
                }

                string separator = labels.Length == 0 ? "" : ",";
                long cumulative = 0;
                for (int i = 0; i < _counts.Length; i++)
                {
                    cumulative += _counts[i];
                    string bound = i < buckets.Count ? Format(buckets[i]) : "+Inf";
                    text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{separator}le=\"{bound}\"}} {cumulative}\n");
                }

                text.Append(CultureInfo.InvariantCulture, $"{name}_sum{braced} {Format(_value)}\n{name}_count{braced} {cumulative}\n");
            }
        }
    }
}

using System.Globalization;
using System.Text;

namespace Crescent.Cli.Answers;

/// <summary>The samples of a Prometheus scrape (text format 0.0.4). Lines that are not samples are passed over.</summary>
internal sealed class PrometheusText
{
    private readonly List<Sample> _samples = [];

    private PrometheusText()
    {
    }

    public static PrometheusText Parse(string text)
    {
        var parsed = new PrometheusText();
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] != '#' && TryRead(line) is { } sample)
            {
                parsed._samples.Add(sample);
            }
        }

        return parsed;
    }

    /// <summary>Over all samples of a name where a label has a value; null without any.</summary>
    public double? Sum(string name, string label, string value)
    {
        double? sum = null;
        foreach (var sample in Find(name, label, value))
        {
            sum = (sum ?? 0) + sample.Value;
        }

        return sum;
    }

    /// <summary>Another label of the first such sample, or null.</summary>
    public string? Label(string name, string label, string value, string other) =>
        Find(name, label, value).Select(sample => sample.Labels.GetValueOrDefault(other)).FirstOrDefault();

    private IEnumerable<Sample> Find(string name, string label, string value) =>
        _samples.Where(sample => sample.Name == name && sample.Labels.GetValueOrDefault(label) == value);

    private static Sample? TryRead(string line)
    {
        int nameEnd = line.AsSpan().IndexOfAny('{', ' ');
        if (nameEnd <= 0)
        {
            return null;
        }

        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        int at = nameEnd;
        if (line[at] == '{' && !TryReadLabels(line, ref at, labels))
        {
            return null;
        }

        string number = line[at..].TrimStart().Split(' ')[0];
        return double.TryParse(number, CultureInfo.InvariantCulture, out double value) ? new Sample(line[..nameEnd], labels, value) : null;
    }

    /// <summary>Reads <c>{name="value",...}</c>; backslash escapes a quote, a backslash, and n for a line feed.</summary>
    private static bool TryReadLabels(string line, ref int at, Dictionary<string, string> labels)
    {
        at++;
        while (at < line.Length && line[at] != '}')
        {
            int equals = line.IndexOf('=', at);
            if (equals < 0 || equals + 1 >= line.Length || line[equals + 1] != '"')
            {
                return false;
            }

            string name = line[at..equals].Trim(',', ' ');
            var value = new StringBuilder();
            for (at = equals + 2; at < line.Length && line[at] != '"'; at++)
            {
                bool escaped = line[at] == '\\' && at + 1 < line.Length;
                at += escaped ? 1 : 0;
                value.Append(escaped && line[at] == 'n' ? '\n' : line[at]);
            }

            labels[name] = value.ToString();
            at++;
        }

        at++;
        return at <= line.Length;
    }

    private readonly record struct Sample(string Name, Dictionary<string, string> Labels, double Value);
}

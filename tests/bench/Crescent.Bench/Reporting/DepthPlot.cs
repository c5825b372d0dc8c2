using System.Globalization;
using System.Text;

namespace Crescent.Bench.Reporting;

/// <summary>Tokens a second over depth, of both engines, as SVG. Both axes are logarithmic; depth 0 has a place of its own.</summary>
public static class DepthPlot
{
    private const double Width = 760, Height = 440, Left = 70, Right = 130, Top = 56, Bottom = 56;

    /// <summary>Depth 0 is drawn as this, half way to the next depth measured.</summary>
    private const double ZeroAt = 1024;
    private const string Prefix = "decode-S-Q8_0-t2-d";
    private const string Ours = "#0f766e";
    private const string Theirs = "#b45309";

    private static readonly int[] Depths = [0, 2048, 8192, 16_384, 32_768, 65_536, 131_072];

    /// <summary>null: fewer than two depths were measured.</summary>
    public static string? Draw(Results results)
    {
        var rows = Depths.SelectMany(depth => results.Rows.Where(row => row.Id == Prefix + depth.ToString(CultureInfo.InvariantCulture)).Select(row => (depth, row)))
            .ToDictionary(point => point.depth, point => point.row);
        var ours = Points(rows, row => row.Subject);
        var theirs = Points(rows, row => row.Reference);
        if (ours.Count < 2)
        {
            return null;
        }

        var rates = ours.Concat(theirs).Select(point => point.Rate).ToList();
        var scale = new Scale(
            Math.Pow(10, Math.Floor(Math.Log10(rates.Min()))), rates.Max() * 1.3, ours.Concat(theirs).Max(point => Place(point.Depth)));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="13" fill="#1f2937">""").Append('\n');
        svg.Append(CultureInfo.InvariantCulture, $"""<rect width="{Width}" height="{Height}" fill="#ffffff"/>""").Append('\n');
        Text(svg, Left, 24, "Decode, tokens/s over depth", "start", "font-size=\"16\" font-weight=\"600\"");
        Text(svg, Left, 42, "shape S (76 M), Q8_0, two threads, one sequence, dense attention", "start", "fill=\"#6b7280\"");
        DrawGrid(svg, scale, rows.Keys);
        DrawLine(svg, scale, theirs, "llama.cpp", Theirs);
        DrawLine(svg, scale, ours, "Crescent", Ours);
        return svg.Append("</svg>\n").ToString();
    }

    private static List<(int Depth, double Rate)> Points(Dictionary<int, ResultRow> rows, Func<ResultRow, Samples?> side) =>
        [.. Depths.Where(depth => rows.TryGetValue(depth, out var row) && side(row) is not null).Select(depth => (depth, side(rows[depth])!.Median))];

    private static double Place(int depth) => Math.Log2(Math.Max(depth, ZeroAt));

    private static void DrawGrid(StringBuilder svg, Scale scale, IEnumerable<int> depths)
    {
        for (double decade = scale.Lowest; decade <= scale.Highest; decade *= 10)
        {
            foreach (int step in (int[])[1, 2, 5])
            {
                double rate = decade * step;
                if (rate > scale.Highest)
                {
                    break;
                }

                double y = scale.Y(rate);
                svg.Append(CultureInfo.InvariantCulture, $"""<line x1="{Left}" x2="{Width - Right}" y1="{y:0.0}" y2="{y:0.0}" stroke="{(step == 1 ? "#d1d5db" : "#eceef1")}"/>""").Append('\n');
                Text(svg, Left - 8, y + 4, rate.ToString("#,0.###", CultureInfo.InvariantCulture), "end", "fill=\"#6b7280\"");
            }
        }

        foreach (int depth in depths.Order())
        {
            double x = scale.X(Place(depth));
            svg.Append(CultureInfo.InvariantCulture, $"""<line x1="{x:0.0}" x2="{x:0.0}" y1="{Height - Bottom}" y2="{Height - Bottom + 5}" stroke="#9ca3af"/>""").Append('\n');
            Text(svg, x, Height - Bottom + 20, depth >= 1024 ? $"{depth / 1024}K" : $"{depth}", "middle", "fill=\"#6b7280\"");
        }

        svg.Append(CultureInfo.InvariantCulture, $"""<line x1="{Left}" x2="{Width - Right}" y1="{Height - Bottom}" y2="{Height - Bottom}" stroke="#9ca3af"/>""").Append('\n');
        Text(svg, (Left + Width - Right) / 2, Height - 14, "tokens before", "middle", "fill=\"#6b7280\"");
    }

    private static void DrawLine(StringBuilder svg, Scale scale, List<(int Depth, double Rate)> points, string name, string colour)
    {
        if (points.Count == 0)
        {
            return;
        }

        var path = points.Select(point => string.Create(CultureInfo.InvariantCulture, $"{scale.X(Place(point.Depth)):0.0},{scale.Y(point.Rate):0.0}"));
        svg.Append(CultureInfo.InvariantCulture, $"""<polyline points="{string.Join(' ', path)}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-linejoin="round"/>""").Append('\n');
        foreach (var (depth, rate) in points)
        {
            double x = scale.X(Place(depth)), y = scale.Y(rate);
            svg.Append(CultureInfo.InvariantCulture, $"""<circle cx="{x:0.0}" cy="{y:0.0}" r="4" fill="{colour}"/>""").Append('\n');
            Text(svg, x, y + (colour == Ours ? -10 : 19), rate.ToString(rate < 10 ? "0.0" : "#,0", CultureInfo.InvariantCulture), "middle", $"fill=\"{colour}\" font-size=\"12\"");
        }

        var last = points[^1];
        double end = scale.X(Place(last.Depth));
        bool above = colour == Ours;
        Text(svg, end + (above ? 14 : 0), scale.Y(last.Rate) + (above ? 5 : 36), name, above ? "start" : "middle", $"fill=\"{colour}\" font-weight=\"600\"");
    }

    private static void Text(StringBuilder svg, double x, double y, string text, string anchor, string style) =>
        svg.Append(CultureInfo.InvariantCulture, $"""<text x="{x:0.0}" y="{y:0.0}" text-anchor="{anchor}" {style}>{text}</text>""").Append('\n');

    /// <param name="Lowest">Tokens/s at the foot; a power of ten.</param>
    /// <param name="Highest">Tokens/s at the top.</param>
    /// <param name="Farthest">log₂ of the last depth.</param>
    private sealed record Scale(double Lowest, double Highest, double Farthest)
    {
        private const double Inset = 24;

        public double X(double place) =>
            Left + Inset + ((place - Math.Log2(ZeroAt)) / Math.Max(Farthest - Math.Log2(ZeroAt), 1) * (Width - Left - Right - (2 * Inset)));

        public double Y(double rate) =>
            Height - Bottom - (Math.Log(rate / Lowest) / Math.Log(Highest / Lowest) * (Height - Top - Bottom));
    }
}

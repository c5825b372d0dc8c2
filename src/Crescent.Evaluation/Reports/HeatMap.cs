using System.Globalization;
using System.Text;
using Crescent.Evaluation.Running;
using Crescent.Evaluation.Tasks;

namespace Crescent.Evaluation.Reports;

/// <summary>Scores of one variant over depth and length as SVG: a panel for each task, a number in each cell.</summary>
public static class HeatMap
{
    private const int Bins = 10, Columns = 3;
    private const double CellWidth = 50, CellHeight = 22, LabelWidth = 62, Gap = 30, Margin = 24, Head = 78, PanelHead = 28, PanelFoot = 40;

    private static readonly (double R, double G, double B) Low = (0xb5, 0x43, 0x2a), Middle = (0xf3, 0xdf, 0xb0), High = (0x1f, 0x7a, 0x6d);

    public static string FileName(Variant variant) => $"heatmap-{variant.KvPolicy}-{variant.KvType}.svg";

    /// <param name="results">Of other suites and variants too, which are left out.</param>
    public static string Draw(string model, Suite suite, Variant variant, IEnumerable<DocumentResult> results)
    {
        var ours = results.Where(result => result.Key.Suite == suite && result.Key.Variant == variant).ToList();
        int[] lengths = [.. ours.Select(result => result.Key.Length).Distinct().Order()];
        string[] tasks = [.. RecallTasks.Names.Where(task => ours.Any(result => result.Key.Task == task))];
        double panelWidth = LabelWidth + (lengths.Length * CellWidth), panelHeight = PanelHead + (Bins * CellHeight) + PanelFoot;
        int columns = Math.Min(Columns, tasks.Length), rows = (tasks.Length + columns - 1) / columns;
        double width = Math.Max(560, (2 * Margin) + (columns * panelWidth) + ((columns - 1) * Gap)), height = Head + (rows * panelHeight) + Margin;

        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:0} {height:0}" font-family="system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif" font-size="12" fill="#1f2937">""").Append('\n');
        svg.Append(CultureInfo.InvariantCulture, $"""<rect width="{width:0}" height="{height:0}" fill="#ffffff"/>""").Append('\n');
        Text(svg, Margin, 28, $"Recall of {model}: {Names.Of(variant)}", "start", "font-size=\"16\" font-weight=\"600\"");
        Text(svg, Margin, 46, $"percent found, by depth of what is asked for (0: beginning of the document) and length in tokens; seed {suite.Seed}", "start", "fill=\"#6b7280\"");
        DrawLegend(svg);
        for (int i = 0; i < tasks.Length; i++)
        {
            var cells = Cells(ours.Where(result => result.Key.Task == tasks[i]));
            DrawPanel(svg, tasks[i], lengths, cells, Margin + (i % columns * (panelWidth + Gap)), Head + (i / columns * panelHeight));
        }

        return svg.Append("</svg>\n").ToString();
    }

    /// <summary>Mean scores by tenth of depth and length.</summary>
    private static Dictionary<(int Bin, int Length), double> Cells(IEnumerable<DocumentResult> results) =>
        results.SelectMany(result => result.Cases.Select(@case => (@case, result.Key.Length)))
            .GroupBy(row => (Bin: Math.Min((int)(row.@case.Depth * Bins), Bins - 1), row.Length))
            .ToDictionary(cell => cell.Key, cell => cell.Average(row => row.@case.Score));

    private static void DrawPanel(StringBuilder svg, string task, int[] lengths, Dictionary<(int Bin, int Length), double> cells, double left, double top)
    {
        double x0 = left + LabelWidth, y0 = top + PanelHead;
        Text(svg, x0, top + 18, task, "start", "font-size=\"13\" font-weight=\"600\"");
        for (int bin = 0; bin < Bins; bin++)
        {
            double y = y0 + (bin * CellHeight);
            Text(svg, x0 - 6, y + 15, $"{bin * 100 / Bins}–{(bin + 1) * 100 / Bins}%", "end", "font-size=\"10\" fill=\"#6b7280\"");
            for (int column = 0; column < lengths.Length; column++)
            {
                double x = x0 + (column * CellWidth);
                bool known = cells.TryGetValue((bin, lengths[column]), out double score);
                Box(svg, x, y, CellWidth, CellHeight, known ? Colour(score) : "#f3f4f6");
                string ink = !known ? "#9ca3af" : score is > 0.2 and < 0.85 ? "#1f2937" : "#ffffff";
                Text(svg, x + (CellWidth / 2), y + 15, known ? (100 * score).ToString("0", CultureInfo.InvariantCulture) : "–", "middle", $"font-size=\"11\" fill=\"{ink}\"");
            }
        }

        for (int column = 0; column < lengths.Length; column++)
        {
            Text(svg, x0 + ((column + 0.5) * CellWidth), y0 + (Bins * CellHeight) + 16, Names.Of(lengths[column]), "middle", "font-size=\"11\" fill=\"#6b7280\"");
        }
    }

    private static void DrawLegend(StringBuilder svg)
    {
        for (int step = 0; step <= Bins; step++)
        {
            Box(svg, Margin + 28 + (step * 14), 56, 14, 10, Colour(step / (double)Bins));
        }

        Text(svg, Margin + 22, 65, "0", "end", "font-size=\"10\" fill=\"#6b7280\"");
        Text(svg, Margin + 28 + ((Bins + 1) * 14) + 6, 65, "100", "start", "font-size=\"10\" fill=\"#6b7280\"");
    }

    private static string Colour(double score)
    {
        var (from, to, share) = score < 0.5 ? (Low, Middle, score * 2) : (Middle, High, (score * 2) - 1);
        int Mix(double a, double b) => (int)Math.Round(a + ((b - a) * share));
        return $"#{Mix(from.R, to.R):x2}{Mix(from.G, to.G):x2}{Mix(from.B, to.B):x2}";
    }

    private static void Box(StringBuilder svg, double x, double y, double width, double height, string fill) =>
        svg.Append(CultureInfo.InvariantCulture, $"""<rect x="{x:0.#}" y="{y:0.#}" width="{width:0.#}" height="{height:0.#}" fill="{fill}" stroke="#ffffff"/>""").Append('\n');

    private static void Text(StringBuilder svg, double x, double y, string text, string anchor, string style)
    {
        string escaped = System.Security.SecurityElement.Escape(text);
        svg.Append(CultureInfo.InvariantCulture, $"""<text x="{x:0.#}" y="{y:0.#}" text-anchor="{anchor}" {style}>{escaped}</text>""").Append('\n');
    }
}

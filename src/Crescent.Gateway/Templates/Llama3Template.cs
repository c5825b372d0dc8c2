using System.Globalization;
using Crescent.Gateway.Generation;

namespace Crescent.Gateway.Templates;

/// <summary>
/// The template of Llama 3, and that of 3.1 and later, which puts the date into a system turn of its own making.
/// Which one is read from the Jinja source.
/// </summary>
internal sealed class Llama3Template(string source, DateTimeOffset now)
{
    public const string HeaderStart = "<|start_header_id|>";
    public const string HeaderEnd = "<|end_header_id|>";
    public const string End = "<|eot_id|>";

    public void Write(TurnWriter writer, IReadOnlyList<ChatMessage> turns)
    {
        writer.Token("<|begin_of_text|>");
        int first = 0;
        if (source.Contains("Cutting Knowledge Date", StringComparison.Ordinal))
        {
            first = turns[0].Role == "system" ? 1 : 0;
            string system = first == 1 ? turns[0].Content.Trim() : "";
            WriteTurn(writer, "system", $"Cutting Knowledge Date: December 2023\nToday Date: {Today()}\n\n{system}");
        }

        for (int i = first; i < turns.Count; i++)
        {
            WriteTurn(writer, turns[i].Role, turns[i].Content.Trim());
        }

        WriteHeader(writer, "assistant");
    }

    private static void WriteTurn(TurnWriter writer, string role, string content)
    {
        WriteHeader(writer, role);
        writer.Text(content).Token(End);
    }

    private static void WriteHeader(TurnWriter writer, string role) =>
        writer.Token(HeaderStart).Text(role).Token(HeaderEnd).Text("\n\n");

    /// <summary>Llama 3.1 was published with a fixed date; later templates ask for today's.</summary>
    private string Today() => source.Contains("strftime_now", StringComparison.Ordinal)
        ? now.ToString("dd MMM yyyy", CultureInfo.InvariantCulture)
        : "26 Jul 2024";
}

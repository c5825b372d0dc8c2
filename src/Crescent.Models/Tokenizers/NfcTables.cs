namespace Crescent.Models.Tokenizers;

/// <summary>The tables of <see cref="NfcData"/>, unpacked.</summary>
internal sealed class NfcTables
{
    private const int FirstJamoVowel = 0x1161;
    private const int LastJamoVowel = 0x1175;
    private const int FirstJamoFinal = 0x11A8;
    private const int LastJamoFinal = 0x11C2;

    private readonly Dictionary<int, int[]> _decompositions = [];
    private readonly Dictionary<(int First, int Second), int> _composites = [];
    private readonly Dictionary<int, byte> _classes = [];

    // Code points that may change or be changed: a mark, a second of a pair, or what does not stay itself.
    private readonly HashSet<int> _needCare = [];
    private readonly bool[] _needCareInBmp = new bool[char.MaxValue + 1];

    private NfcTables()
    {
    }

    public static NfcTables Read(string packed)
    {
        var tables = new NfcTables();
        var bytes = Convert.FromBase64String(packed);
        var at = 0;
        tables.ReadDecompositions(bytes, ref at);
        tables.ReadClasses(bytes, ref at);
        tables._needCare.UnionWith(Enumerable.Range(FirstJamoVowel, LastJamoVowel - FirstJamoVowel + 1));
        tables._needCare.UnionWith(Enumerable.Range(FirstJamoFinal, LastJamoFinal - FirstJamoFinal + 1));
        foreach (var codePoint in tables._needCare.Where(c => c <= char.MaxValue))
        {
            tables._needCareInBmp[codePoint] = true;
        }

        return tables;
    }

    public bool NeedsCare(int codePoint) =>
        codePoint <= char.MaxValue ? _needCareInBmp[codePoint] : _needCare.Contains(codePoint);

    /// <summary>The full canonical decomposition, in canonical order, or null. Not of Hangul.</summary>
    public int[]? Decomposition(int codePoint) => _decompositions.GetValueOrDefault(codePoint);

    /// <summary>The place of the combining class in the order of classes; 0 for starters.</summary>
    public byte Class(int codePoint) => _classes.GetValueOrDefault(codePoint);

    /// <summary>What the two compose to, or 0. Not of Hangul.</summary>
    public int Composite(int first, int second) => _composites.GetValueOrDefault((first, second));

    private void ReadDecompositions(ReadOnlySpan<byte> bytes, ref int at)
    {
        var pairs = new List<(int CodePoint, int First, int Second)>();
        var codePoint = 0;
        for (var left = Number(bytes, ref at); left > 0; left--)
        {
            var head = Number(bytes, ref at);
            codePoint += head / 8;
            var length = head % 8;
            if (length == 0)
            {
                pairs.Add((codePoint, Number(bytes, ref at), Number(bytes, ref at)));
                continue;
            }

            var parts = new int[length];
            for (var i = 0; i < length; i++)
            {
                parts[i] = Number(bytes, ref at);
            }

            _decompositions.Add(codePoint, parts);
            _needCare.Add(codePoint);
        }

        AddPairs(pairs);
    }

    private void AddPairs(List<(int CodePoint, int First, int Second)> pairs)
    {
        foreach (var (codePoint, first, second) in pairs)
        {
            _composites.Add((first, second), codePoint);
            _needCare.Add(second);
        }

        var firsts = pairs.ToDictionary(p => p.CodePoint, p => (p.First, p.Second));
        foreach (var (codePoint, _, _) in pairs)
        {
            // The first of a pair may be a pair again, three levels deep.
            var parts = new Stack<int>();
            var head = codePoint;
            while (firsts.TryGetValue(head, out var pair))
            {
                parts.Push(pair.Second);
                head = pair.First;
            }

            _decompositions.Add(codePoint, [head, .. parts]);
        }
    }

    private void ReadClasses(ReadOnlySpan<byte> bytes, ref int at)
    {
        var start = 0;
        for (var left = Number(bytes, ref at); left > 0; left--)
        {
            start += Number(bytes, ref at);
            var length = Number(bytes, ref at);
            var order = (byte)Number(bytes, ref at);
            for (var i = 0; i < length; i++)
            {
                _classes.Add(start + i, order);
                _needCare.Add(start + i);
            }
        }
    }

    private static int Number(ReadOnlySpan<byte> bytes, ref int at)
    {
        var number = 0;
        for (var shift = 0; ; shift += 7)
        {
            var value = bytes[at++];
            number |= (value & 0x7F) << shift;
            if (value < 0x80)
            {
                return number;
            }
        }
    }
}

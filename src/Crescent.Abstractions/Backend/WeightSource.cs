namespace Crescent;

/// <summary>A matrix [<see cref="Rows"/>, <see cref="Columns"/>] in native memory, row-major in its dtype's storage.</summary>
public readonly record struct WeightSource(string Name, DType Type, int Rows, int Columns, nint Data)
{
    public long Bytes => Type.RowBytes(Columns) * Rows;
}

using System.Runtime.InteropServices;

namespace Crescent.Testing;

/// <summary>A matrix as a file has it, at an address that stays.</summary>
public sealed class StoredMatrix
{
    private readonly byte[] _bytes;

    /// <param name="values">[rows, columns].</param>
    public StoredMatrix(float[] values, DType type, int rows, int columns)
    {
        byte[] encoded = WeightEncoding.Encode(values, type);
        _bytes = GC.AllocateUninitializedArray<byte>(encoded.Length, pinned: true);
        encoded.CopyTo(_bytes, 0);
        Source = new WeightSource("w", type, rows, columns, Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0));
    }

    public WeightSource Source { get; }

    /// <summary>[rows, columns] as exact as they are stored.</summary>
    public double[] Values => WeightEncoding.Decode(Source);
}

/// <summary>Single operations of a backend on plain arrays, all [rows, columns].</summary>
/// <param name="backend">Is disposed with the probe.</param>
public sealed class BackendProbe<T>(IBackend<T> backend) : IDisposable
    where T : class
{
    private readonly List<T> _handles = [];

    public IBackend<T> Backend => backend;

    public float[] Embed(StoredMatrix table, int[] tokens)
    {
        int columns = table.Source.Columns;
        var output = Filled(tokens.Length, new float[tokens.Length * columns]);
        backend.Embed(Weight(table), tokens, output);
        return Read(output, tokens.Length * columns);
    }

    public float[] Gather(float[] input, int columns, int[] rows)
    {
        var output = Filled(rows.Length, new float[rows.Length * columns]);
        backend.Gather(Filled(input.Length / columns, input), rows, output);
        return Read(output, rows.Length * columns);
    }

    public float[] RmsNorm(float[] input, int rows, StoredMatrix weight, float epsilon, int runs, bool inPlace)
    {
        var source = Filled(rows, input);
        var output = inPlace ? source : Filled(rows, new float[input.Length]);
        backend.RmsNorm(source, Weight(weight), epsilon, output, runs);
        return Read(output, input.Length);
    }

    public float[] Linear(float[] input, int rows, StoredMatrix weight, float[] output, bool accumulate)
    {
        var target = Filled(rows, output);
        backend.Linear(Filled(rows, input), Weight(weight), target, rows, accumulate);
        return Read(target, output.Length);
    }

    public float[] SwiGlu(float[] gate, float[] up, int rows)
    {
        var target = Filled(rows, gate);
        backend.SwiGlu(target, Filled(rows, up), target, rows);
        return Read(target, gate.Length);
    }

    /// <summary>A handle of these values.</summary>
    public T Filled(int rows, float[] values)
    {
        var activation = Own(backend.CreateActivation(rows, values.Length / rows));
        backend.Upload(values, activation);
        return activation;
    }

    public T Weight(StoredMatrix matrix) => Own(backend.LoadWeight(matrix.Source));

    /// <summary>A pool whose every element is not a number.</summary>
    public T Pool(KvLayout layout, int blocks)
    {
        var pool = Own(backend.CreateKvPool(layout, blocks));
        var bytes = new byte[layout.BlockBytes];
        Array.Fill(bytes, (byte)0xff);
        for (int block = 0; block < blocks; block++)
        {
            backend.Wait(backend.CopyIn(pool, new BlockId(block), 0, layout.Layers, bytes, default));
        }

        return pool;
    }

    public float[] Read(T activation, int count)
    {
        var values = new float[count];
        backend.Download(activation, values);
        return values;
    }

    /// <summary>A block's layers in the interchange layout.</summary>
    public byte[] ReadBlock(T pool, KvLayout layout, int block, int firstLayer, int layers)
    {
        var bytes = new byte[layout.LayerBytes * layers];
        backend.Wait(backend.CopyOut(pool, new BlockId(block), firstLayer, layers, bytes, backend.Fence()));
        return bytes;
    }

    public void Dispose()
    {
        _handles.ForEach(backend.Release);
        backend.Dispose();
    }

    private T Own(T handle)
    {
        _handles.Add(handle);
        return handle;
    }
}

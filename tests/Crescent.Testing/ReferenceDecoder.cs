using Crescent.Models;
using Crescent.Models.Weights;

namespace Crescent.Testing;

/// <summary>
/// The decoder once more, in double precision and as plainly as the equations are written, sharing no code with the
/// engine: the yardstick for its logits. Weights are dequantised when it is made; the model may be disposed then.
/// </summary>
public sealed class ReferenceDecoder
{
    private readonly DecoderConfig _config;
    private readonly Dictionary<string, Matrix> _weights;
    private readonly double[] _frequencies;

    public ReferenceDecoder(ModelFile model)
    {
        _config = model.Config;
        _frequencies = Frequencies(_config);
        _weights = WeightNames(_config).ToDictionary(name => name, name =>
        {
            var source = model.GetMatrix(name);
            return new Matrix(source.Rows, source.Columns, WeightEncoding.Decode(source));
        });
    }

    /// <summary>[vocabulary] logits after the last token.</summary>
    public double[] Logits(IReadOnlyList<int> tokens) => AllLogits(tokens)[^1];

    /// <summary>[tokens, vocabulary] logits after each token.</summary>
    public double[][] AllLogits(IReadOnlyList<int> tokens) => Start().Append(tokens);

    /// <summary>The most likely continuation, token by token; of equals the lowest id.</summary>
    public int[] Greedy(IReadOnlyList<int> prompt, int count)
    {
        var sequence = Start();
        var logits = sequence.Append(prompt)[^1];
        var output = new int[count];
        for (var i = 0; i < count; i++)
        {
            output[i] = Array.IndexOf(logits, logits.Max());
            logits = i < count - 1 ? sequence.Append(output[i]) : logits;
        }

        return output;
    }

    public Sequence Start() => new(this);

    private Matrix Weight(string name) => _weights[name];

    private static IEnumerable<string> WeightNames(DecoderConfig config)
    {
        string[] names =
        [
            "attn_norm", "attn_q", "attn_k", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up", "ffn_down",
            .. config.QkNorm ? ["attn_q_norm", "attn_k_norm"] : Array.Empty<string>(),
        ];
        return ["token_embd", "output_norm", "output",
            .. Enumerable.Range(0, config.Layers).SelectMany(layer => names.Select(name => $"blk.{layer}.{name}"))];
    }

    /// <summary>As transformers computes them (modeling_rope_utils), from the wavelengths.</summary>
    private static double[] Frequencies(DecoderConfig config)
    {
        var result = new double[config.HeadDim / 2];
        for (var i = 0; i < result.Length; i++)
        {
            var frequency = 1 / Math.Pow(config.RopeTheta, 2.0 * i / config.HeadDim);
            if (config.RopeDivisors is { } divisors)
            {
                frequency /= divisors[i];
            }
            else if (config.RopeScaling is { } scaling)
            {
                var wavelength = 2 * Math.PI / frequency;
                var lowest = scaling.OriginalContextLength / scaling.LowFrequencyFactor;
                var highest = scaling.OriginalContextLength / scaling.HighFrequencyFactor;
                var smooth = ((scaling.OriginalContextLength / wavelength) - scaling.LowFrequencyFactor)
                    / (scaling.HighFrequencyFactor - scaling.LowFrequencyFactor);
                frequency = wavelength > lowest ? frequency / scaling.Factor
                    : wavelength < highest ? frequency
                    : ((1 - smooth) * frequency / scaling.Factor) + (smooth * frequency);
            }

            result[i] = frequency;
        }

        return result;
    }

    /// <summary>[Rows, Columns], row-major.</summary>
    private sealed record Matrix(int Rows, int Columns, double[] Values)
    {
        public double[] Row(int row) => Values[(row * Columns)..((row + 1) * Columns)];

        /// <summary>The matrix times a column vector.</summary>
        public double[] Times(double[] vector)
        {
            var result = new double[Rows];
            for (var row = 0; row < Rows; row++)
            {
                var sum = 0.0;
                for (var column = 0; column < Columns; column++)
                {
                    sum += Values[(row * Columns) + column] * vector[column];
                }

                result[row] = sum;
            }

            return result;
        }
    }

    /// <summary>One growing text: keys and values of all its positions are kept.</summary>
    public sealed class Sequence
    {
        private readonly ReferenceDecoder _decoder;
        private readonly DecoderConfig _config;
        private readonly List<double[]>[] _keys;
        private readonly List<double[]>[] _values;

        internal Sequence(ReferenceDecoder decoder)
        {
            _decoder = decoder;
            _config = decoder._config;
            _keys = [.. Enumerable.Range(0, _config.Layers).Select(_ => new List<double[]>())];
            _values = [.. Enumerable.Range(0, _config.Layers).Select(_ => new List<double[]>())];
        }

        /// <summary>Is called with (layer, query head, softmax weights of all positions so far) of each token.</summary>
        public Action<int, int, double[]>? Attended { get; set; }

        /// <summary>[tokens, vocabulary] logits after each of these.</summary>
        public double[][] Append(IReadOnlyList<int> tokens)
        {
            var logits = new double[tokens.Count][];
            for (var i = 0; i < logits.Length; i++)
            {
                logits[i] = Append(tokens[i]);
            }

            return logits;
        }

        /// <summary>[vocabulary] logits after this token.</summary>
        public double[] Append(int token)
        {
            var x = _decoder.Weight("token_embd").Row(token);
            for (var layer = 0; layer < _config.Layers; layer++)
            {
                var weight = (string name) => _decoder.Weight($"blk.{layer}.{name}");
                var attended = Attend(layer, Normalise(x, weight("attn_norm")));
                x = Add(x, weight("attn_output").Times(attended));

                var h = Normalise(x, weight("ffn_norm"));
                var gate = weight("ffn_gate").Times(h);
                var up = weight("ffn_up").Times(h);
                x = Add(x, weight("ffn_down").Times([.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)]));
            }

            return _decoder.Weight("output").Times(Normalise(x, _decoder.Weight("output_norm")));
        }

        private double[] Attend(int layer, double[] h)
        {
            var dim = _config.HeadDim;
            var position = _keys[layer].Count;
            var q = Heads(_decoder.Weight($"blk.{layer}.attn_q").Times(h), layer, "attn_q_norm", position);
            _keys[layer].Add(Heads(_decoder.Weight($"blk.{layer}.attn_k").Times(h), layer, "attn_k_norm", position));
            _values[layer].Add(_decoder.Weight($"blk.{layer}.attn_v").Times(h));

            var output = new double[_config.Heads * dim];
            for (var head = 0; head < _config.Heads; head++)
            {
                var kvStart = head / (_config.Heads / _config.KvHeads) * dim;
                var scores = new double[position + 1];
                for (var p = 0; p <= position; p++)
                {
                    for (var i = 0; i < dim; i++)
                    {
                        scores[p] += q[(head * dim) + i] * _keys[layer][p][kvStart + i] / Math.Sqrt(dim);
                    }
                }

                var largest = scores.Max();
                var weights = scores.Select(score => Math.Exp(score - largest)).ToArray();
                var total = weights.Sum();
                Attended?.Invoke(layer, head, [.. weights.Select(weight => weight / total)]);
                for (var p = 0; p <= position; p++)
                {
                    for (var i = 0; i < dim; i++)
                    {
                        output[(head * dim) + i] += weights[p] / total * _values[layer][p][kvStart + i];
                    }
                }
            }

            return output;
        }

        /// <summary>Each head of q or k normalised, where the model does that, and rotated to its position.</summary>
        private double[] Heads(double[] vector, int layer, string norm, int position)
        {
            var dim = _config.HeadDim;
            var result = new List<double>();
            foreach (var chunk in vector.Chunk(dim))
            {
                var head = _config.QkNorm ? Normalise(chunk, _decoder.Weight($"blk.{layer}.{norm}")) : chunk;
                var rotated = new double[dim];
                for (var i = 0; i < dim / 2; i++)
                {
                    var (first, second) = _config.RopeInterleaved ? (2 * i, (2 * i) + 1) : (i, i + (dim / 2));
                    var (sin, cos) = Math.SinCos(position * _decoder._frequencies[i]);
                    rotated[first] = (head[first] * cos) - (head[second] * sin);
                    rotated[second] = (head[second] * cos) + (head[first] * sin);
                }

                result.AddRange(rotated);
            }

            return [.. result];
        }

        private double[] Normalise(double[] x, Matrix weight)
        {
            var root = Math.Sqrt(x.Average(value => value * value) + _config.RmsNormEpsilon);
            return [.. x.Select((value, i) => value / root * weight.Values[i])];
        }

        private static double[] Add(double[] a, double[] b) => [.. a.Zip(b, (x, y) => x + y)];
    }
}

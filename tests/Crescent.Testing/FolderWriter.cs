using System.Text.Json.Nodes;

namespace Crescent.Testing;

/// <summary>A Hugging Face model folder to be edited and written.</summary>
public sealed class FolderWriter
{
    public required JsonObject Config { get; init; }

    public JsonObject? GenerationConfig { get; set; }

    public JsonObject? TokenizerConfig { get; set; }

    public List<SafetensorsTensor> Tensors { get; } = [];

    /// <param name="folder">Made if missing.</param>
    /// <param name="shards">1 writes model.safetensors; more write so many files, dealt out in turn, and an index.</param>
    public void Write(string folder, int shards = 1)
    {
        Directory.CreateDirectory(folder);
        WriteJson("config.json", Config);
        WriteJson("generation_config.json", GenerationConfig);
        WriteJson("tokenizer_config.json", TokenizerConfig);
        if (shards == 1)
        {
            WriteTensors("model.safetensors", Tensors);
            return;
        }

        var map = new JsonObject();
        for (var shard = 0; shard < shards; shard++)
        {
            var name = $"model-{shard + 1:D5}-of-{shards:D5}.safetensors";
            var tensors = Tensors.Where((_, i) => i % shards == shard).ToList();
            tensors.ForEach(tensor => map.Add(tensor.Name, name));
            WriteTensors(name, tensors);
        }

        WriteJson("model.safetensors.index.json", new JsonObject
        {
            ["metadata"] = new JsonObject { ["total_size"] = Tensors.Sum(tensor => (long)tensor.Data.Length) },
            ["weight_map"] = map,
        });

        void WriteTensors(string name, IReadOnlyList<SafetensorsTensor> tensors)
        {
            using var file = File.Create(Path.Combine(folder, name));
            SafetensorsWriter.WriteTo(file, tensors);
        }

        void WriteJson(string name, JsonObject? content)
        {
            if (content is not null)
            {
                File.WriteAllText(Path.Combine(folder, name), content.ToJsonString());
            }
        }
    }
}

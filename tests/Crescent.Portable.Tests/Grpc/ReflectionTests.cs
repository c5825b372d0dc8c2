using Google.Protobuf.Reflection;
using Grpc.Reflection.V1;

namespace Crescent.Portable.Tests.Grpc;

public sealed class ReflectionTests : IAsyncLifetime
{
    private const string V1 = "grpc.reflection.v1.ServerReflection";
    private const string V1Alpha = "grpc.reflection.v1alpha.ServerReflection";

    private ProbeHost _host = null!;

    public async Task InitializeAsync() => _host = await ProbeHost.StartAsync();

    public async Task DisposeAsync() => await _host.DisposeAsync();

    [Theory]
    [InlineData(V1)]
    [InlineData(V1Alpha)]
    public async Task Every_mapped_service_is_listed(string reflection)
    {
        var answer = await AskAsync(reflection, new ServerReflectionRequest { ListServices = "*" });

        var names = answer.ListServicesResponse.Service.Select(service => service.Name).Order();
        Assert.Equal(["crescent.probe.Probe", V1, V1Alpha], names);
    }

    [Theory]
    [InlineData("crescent.probe.Probe")]
    [InlineData("crescent.probe.Probe.Echo")]
    [InlineData("crescent.probe.Note")]
    [InlineData("crescent.probe.Note.Part")]
    [InlineData("crescent.probe.Note.Kind")]
    public async Task A_symbol_leads_to_its_file(string symbol)
    {
        var answer = await AskAsync(V1, new ServerReflectionRequest { FileContainingSymbol = symbol });

        var file = FileDescriptorProto.Parser.ParseFrom(answer.FileDescriptorResponse.FileDescriptorProto[0]);
        Assert.Equal("crescent.probe", file.Package);
    }

    [Fact]
    public async Task A_file_comes_with_everything_it_imports()
    {
        var answer = await AskAsync(V1, new ServerReflectionRequest { FileContainingSymbol = V1Alpha });

        var files = answer.FileDescriptorResponse.FileDescriptorProto.Select(FileDescriptorProto.Parser.ParseFrom).ToList();
        var imports = files.SelectMany(file => file.Dependency).Distinct();
        Assert.Subset(files.Select(file => file.Name).ToHashSet(), imports.ToHashSet());
    }

    [Fact]
    public async Task A_file_is_found_by_its_name()
    {
        var bySymbol = await AskAsync(V1, new ServerReflectionRequest { FileContainingSymbol = "crescent.probe.Probe" });
        var file = FileDescriptorProto.Parser.ParseFrom(bySymbol.FileDescriptorResponse.FileDescriptorProto[0]);

        var byName = await AskAsync(V1, new ServerReflectionRequest { FileByFilename = file.Name });

        Assert.Equal(bySymbol.FileDescriptorResponse, byName.FileDescriptorResponse);
    }

    [Fact]
    public async Task What_is_not_known_is_answered_not_found()
    {
        const int NotFound = 5;
        var symbol = await AskAsync(V1, new ServerReflectionRequest { FileContainingSymbol = "crescent.probe.Nobody" });
        var file = await AskAsync(V1, new ServerReflectionRequest { FileByFilename = "nobody.proto" });

        Assert.Equal((NotFound, NotFound), (symbol.ErrorResponse.ErrorCode, file.ErrorResponse.ErrorCode));
    }

    [Fact]
    public async Task Questions_about_extensions_are_answered_unimplemented()
    {
        const int Unimplemented = 12;
        var answer = await AskAsync(V1, new ServerReflectionRequest { AllExtensionNumbersOfType = "crescent.probe.Note" });

        Assert.Equal(Unimplemented, answer.ErrorResponse.ErrorCode);
    }

    private async Task<ServerReflectionResponse> AskAsync(string reflection, ServerReflectionRequest question)
    {
        var answer = await _host.Client.CallAsync($"/{reflection}/ServerReflectionInfo", question);
        Assert.Equal("0", answer.Status);
        return ServerReflectionResponse.Parser.ParseFrom(Assert.Single(answer.Messages));
    }
}

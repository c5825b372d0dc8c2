using Google.Protobuf.Reflection;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Grpc.Reflection;

/// <summary>Answers questions about the mapped services.</summary>
internal sealed class ReflectionAnswers(ServiceCatalog catalog)
{
    /// <summary>Made at the first question: by then every service is mapped.</summary>
    private readonly Lazy<DescriptorIndex> _index = new(() => new DescriptorIndex(catalog.Services));

    public async Task AnswerAllAsync(
        IAsyncStreamReader<ServerReflectionRequest> questions,
        IServerStreamWriter<ServerReflectionResponse> answers,
        CancellationToken cancellationToken)
    {
        while (await questions.MoveNext(cancellationToken))
        {
            await answers.WriteAsync(Answer(questions.Current));
        }
    }

    private static FileDescriptorResponse WithImports(FileDescriptor file)
    {
        var response = new FileDescriptorResponse();
        var seen = new HashSet<string>();
        Add(file);
        return response;

        void Add(FileDescriptor next)
        {
            if (seen.Add(next.Name))
            {
                response.FileDescriptorProto.Add(next.SerializedData);
                foreach (var import in next.Dependencies)
                {
                    Add(import);
                }
            }
        }
    }

    private static ErrorResponse Error(StatusCode code, string message) =>
        new() { ErrorCode = (int)code, ErrorMessage = message };

    private ServerReflectionResponse Answer(ServerReflectionRequest question)
    {
        var answer = new ServerReflectionResponse { ValidHost = question.Host, OriginalRequest = question };
        switch (question.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                answer.ListServicesResponse = new ListServiceResponse();
                answer.ListServicesResponse.Service.AddRange(
                    catalog.Services.Select(service => new ServiceResponse { Name = service.FullName }));
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                AnswerFile(answer, _index.Value.FindFile(question.FileByFilename), question.FileByFilename);
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                AnswerFile(answer, _index.Value.FindSymbol(question.FileContainingSymbol), question.FileContainingSymbol);
                break;
            default:
                answer.ErrorResponse = Error(StatusCode.Unimplemented, "Extensions are not indexed.");
                break;
        }

        return answer;
    }

    private static void AnswerFile(ServerReflectionResponse answer, FileDescriptor? file, string name)
    {
        if (file is null)
        {
            answer.ErrorResponse = Error(StatusCode.NotFound, $"{name} is not known here.");
        }
        else
        {
            answer.FileDescriptorResponse = WithImports(file);
        }
    }
}

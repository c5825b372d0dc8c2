using Google.Protobuf.Reflection;

namespace Grpc.AspNetCore.Server;

/// <summary>The services this process serves; complete when the host starts.</summary>
internal sealed class ServiceCatalog
{
    private readonly List<ServiceDescriptor> _services = [];

    public IReadOnlyList<ServiceDescriptor> Services => _services;

    public void Add(ServiceDescriptor service) => _services.Add(service);
}

using Crescent.KvCache.Tiers.Disk;
using Crescent.Testing;

namespace Crescent.KvCache.Tests.Tiers.Disk;

public sealed class DirectoryLockTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_directory_has_one_owner_and_whoever_comes_second_is_told_who()
    {
        string directory = _folder["a/b"];
        using (DirectoryLock.Acquire(directory))
        {
            var refused = Assert.Throws<IOException>(() => DirectoryLock.Acquire(directory));
            Assert.Contains(directory, refused.Message, StringComparison.Ordinal);
            Assert.Contains($"process {Environment.ProcessId}", refused.Message, StringComparison.Ordinal);
        }

        DirectoryLock.Acquire(directory).Dispose();
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_named()
    {
        File.WriteAllText(_folder["file"], "");
        string directory = _folder["file/cache"];

        var refused = Assert.Throws<IOException>(() => DirectoryLock.Acquire(directory));
        Assert.Contains($"{directory} cannot be used", refused.Message, StringComparison.Ordinal);
    }
}

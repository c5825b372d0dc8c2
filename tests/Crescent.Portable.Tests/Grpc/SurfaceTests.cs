using System.Reflection;
using System.Reflection.Emit;
using Grpc.Core;

namespace Crescent.Portable.Tests.Grpc;

/// <summary>The stand-in has no public member without a use.</summary>
public class SurfaceTests
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Assembly StandIn = typeof(Status).Assembly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>
    /// Users are the assemblies of src, and the stand-in's reflection service: that is written against the rest of it
    /// like any service, with the code that Grpc.Tools generates for it.
    /// </summary>
    [Fact]
    public void Every_public_member_is_used_by_src_or_by_generated_code()
    {
        var users = Directory.GetFiles(AppContext.BaseDirectory, "Crescent.*.dll")
            .Where(path => !Path.GetFileName(path).StartsWith("Crescent.Portable.", StringComparison.Ordinal))
            .SelectMany(path => Assembly.LoadFrom(path).GetTypes())
            .Concat(StandIn.GetTypes().Where(type => type.Namespace?.StartsWith("Grpc.Reflection", StringComparison.Ordinal) == true));

        var used = users.SelectMany(FindUses).ToHashSet();

        Assert.NotEmpty(used);
        var unused = PublicMembers()
            .Where(member => !used.Contains(member.MetadataToken))
            .Select(member => $"{member.DeclaringType}: {member}");
        Assert.Empty(unused);
    }

    /// <summary>What can be called: delegates and enums have no code of their own.</summary>
    private static IEnumerable<MethodBase> PublicMembers() =>
        from type in StandIn.GetExportedTypes()
        where !type.IsEnum && !type.IsSubclassOf(typeof(Delegate))
        from method in type.GetMembers(Declared).OfType<MethodBase>()
        where method.IsPublic
        select method;

    /// <summary>Metadata tokens of the stand-in's methods that a type's code or attributes call.</summary>
    private static IEnumerable<int> FindUses(Type type)
    {
        var methods = type.GetMembers(Declared).OfType<MethodBase>().SelectMany(FindCalls);
        var attributes = type.GetCustomAttributesData().Select(attribute => (MethodBase)attribute.Constructor);
        return methods.Concat(attributes).Where(method => method.Module.Assembly == StandIn).Select(method => method.MetadataToken);
    }

    private static IEnumerable<MethodBase> FindCalls(MethodBase caller)
    {
        var code = caller.GetMethodBody()?.GetILAsByteArray() ?? [];
        for (var at = 0; at < code.Length;)
        {
            const byte TwoByteCode = 0xFE;
            var value = (short)code[at++];
            var operation = OpCodesByValue[value == TwoByteCode ? unchecked((short)((TwoByteCode << 8) | code[at++])) : value];
            if (operation.OperandType == OperandType.InlineMethod)
            {
                yield return caller.Module.ResolveMethod(
                    BitConverter.ToInt32(code, at),
                    caller.DeclaringType!.IsGenericType ? caller.DeclaringType.GetGenericArguments() : null,
                    caller.IsGenericMethod ? caller.GetGenericArguments() : null)!;
            }

            at += OperandSize(operation.OperandType, code, at);
        }
    }

    private static int OperandSize(OperandType type, byte[] code, int at) => type switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
        _ => 4,
    };
}

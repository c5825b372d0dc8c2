using System.Reflection;
using System.Reflection.Emit;

namespace Crescent.Portable.Tests;

/// <summary>What a stand-in offers, and what of it nobody uses.</summary>
internal static class PublicSurface
{
    private const BindingFlags Declared =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Static | BindingFlags.Instance | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    /// <summary>Public members that neither the assemblies of src call nor the users within the stand-in itself.</summary>
    public static IEnumerable<string> Unused(Assembly standIn, Func<Type, bool> isUser)
    {
        var users = Directory.GetFiles(AppContext.BaseDirectory, "Crescent.*.dll")
            .Where(path => !Path.GetFileName(path).StartsWith("Crescent.Portable.", StringComparison.Ordinal))
            .SelectMany(path => Assembly.LoadFrom(path).GetTypes())
            .Concat(standIn.GetTypes().Where(isUser));
        var used = users.SelectMany(user => FindUses(standIn, user)).ToHashSet();

        Assert.NotEmpty(used);
        return PublicMembers(standIn).Where(member => !used.Contains(member.MetadataToken)).Select(member => $"{member.DeclaringType}: {member}");
    }

    /// <summary>What can be called: delegates and enums have no code of their own.</summary>
    private static IEnumerable<MethodBase> PublicMembers(Assembly standIn) =>
        from type in standIn.GetExportedTypes()
        where !type.IsEnum && !type.IsSubclassOf(typeof(Delegate))
        from method in type.GetMembers(Declared).OfType<MethodBase>()
        where method.IsPublic
        select method;

    /// <summary>Metadata tokens of the stand-in's methods that a type's code or attributes call.</summary>
    private static IEnumerable<int> FindUses(Assembly standIn, Type type)
    {
        var methods = type.GetMembers(Declared).OfType<MethodBase>().SelectMany(FindCalls);
        var attributes = type.GetCustomAttributesData().Select(attribute => (MethodBase)attribute.Constructor);
        return methods.Concat(attributes).Where(method => method.Module.Assembly == standIn).Select(method => method.MetadataToken);
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

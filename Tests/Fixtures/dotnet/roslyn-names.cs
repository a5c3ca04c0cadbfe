// Gives what mcs made of lambdas, iterators and async methods the names that Roslyn, the compiler of almost
// every .NET program, would have made:
//
//     mono roslyn-names.exe beside|embedded IN.dll OUT.dll
//
//     mcs                                   Roslyn
//     C+<M>c__async0                        C+<M>d__0
//     C+<M>c__Iterator0                     C+<M>d__0, and M says so by IteratorStateMachineAttribute
//     C+<M>c__AnonStorey0.<>m__1()          C+<>c__DisplayClass0_0.<M>b__1()
//     C+<M>c__AnonStorey0+<M>c__async1      C+<>c__DisplayClass0_0+<<M>b__1>d, for an async lambda
//     C.<M>m__0()                           C+<>c.<M>b__0_0(), or C.<M>b__0_0() in a generic type
//     C.M__g__Name(), written so            C.<M>g__Name|0_0(), which is a local function
//
// IN.dll has its portable PDB beside it, and so has OUT.dll, or inside. Built like portable-pdb.cs.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Mono.Cecil;
using Mono.Cecil.Cil;

static class RoslynNames
{
    static int count;

    static int Main(string[] words)
    {
        var bytes = new MemoryStream(File.ReadAllBytes(words[1]));
        var symbols = new MemoryStream(File.ReadAllBytes(Path.ChangeExtension(words[1], "pdb")));
        var reading = new ReaderParameters
        {
            SymbolReaderProvider = new PortablePdbReaderProvider(), SymbolStream = symbols,
        };
        using (var module = ModuleDefinition.ReadModule(bytes, reading))
        {
            var types = module.GetTypes().ToList();
            // Attributes name types by strings, which follow a type's name once they have been read.
            foreach (var method in types.SelectMany(type => type.Methods))
                foreach (var attribute in method.CustomAttributes)
                    GC.KeepAlive(attribute.ConstructorArguments.Count);
            var references = References(types);
            foreach (var type in types) RenameMethods(type);
            foreach (var type in types) RenameType(module, type);
            foreach (var reference in references) reference.Key.Name = reference.Value.Name;
            ISymbolWriterProvider provider = new PortablePdbWriterProvider();
            if (words[0] == "embedded") provider = new EmbeddedPortablePdbWriterProvider();
            module.Write(
                Path.GetFullPath(words[2]),
                new WriterParameters { WriteSymbols = true, SymbolWriterProvider = provider });
        }
        return 0;
    }

    // Code in generic types names methods of its own module by name.
    static Dictionary<MethodReference, MethodDefinition> References(List<TypeDefinition> types)
    {
        return types.SelectMany(type => type.Methods).Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions).Select(one => one.Operand)
            .OfType<MethodReference>()
            .Where(one => one.GetType() == typeof(MethodReference) && one.DeclaringType.Scope == one.Module)
            .Distinct().ToDictionary(one => one, one => one.Resolve());
    }

    static void RenameMethods(TypeDefinition type)
    {
        var storey = Regex.Match(type.Name, @"^<(\w+)>c__AnonStorey");
        foreach (var method in type.Methods.ToList())
        {
            var capturing = Regex.Match(method.Name, @"^<>m__(\w+)$");
            var plain = Regex.Match(method.Name, @"^<(\w+)>m__(\w+)$");
            var local = Regex.Match(method.Name, @"^(\w+)__g__(\w+)$");
            if (capturing.Success && storey.Success)
                method.Name = "<" + storey.Groups[1].Value + ">b__" + Number(capturing.Groups[1].Value);
            else if (local.Success)
                method.Name = "<" + local.Groups[1].Value + ">g__" + local.Groups[2].Value + "|" + count++ + "_0";
            else if (plain.Success)
            {
                method.Name = "<" + plain.Groups[1].Value + ">b__" + count++ + "_" + Number(plain.Groups[2].Value);
                if (!type.HasGenericParameters) Move(method, type);
            }
        }
    }

    static void Move(MethodDefinition method, TypeDefinition type)
    {
        var closure = type.NestedTypes.FirstOrDefault(one => one.Name == "<>c");
        if (closure == null)
        {
            var attributes = TypeAttributes.NestedPrivate | TypeAttributes.Sealed | TypeAttributes.BeforeFieldInit;
            closure = new TypeDefinition("", "<>c", attributes, type.Module.TypeSystem.Object);
            type.NestedTypes.Add(closure);
        }
        type.Methods.Remove(method);
        method.IsAssembly = true;
        closure.Methods.Add(method);
    }

    static void RenameType(ModuleDefinition module, TypeDefinition type)
    {
        var arity = type.HasGenericParameters ? Regex.Match(type.Name, @"`\d+$").Value : "";
        var machine = Regex.Match(type.Name, @"^<(\w+)>c__(async|Iterator)");
        if (machine.Success)
        {
            // That of an async lambda is named after the lambda.
            var lambda = type.DeclaringType.Methods.FirstOrDefault(
                method => method.Name.StartsWith("<") && method.HasBody &&
                    method.Body.Variables.Any(one => one.VariableType.Resolve() == type));
            type.Name = lambda != null ? "<" + lambda.Name + ">d" + arity
                : "<" + machine.Groups[1].Value + ">d__" + count++ + arity;
            if (machine.Groups[2].Value == "Iterator") Mark(module, type, machine.Groups[1].Value);
        }
        else if (Regex.IsMatch(type.Name, @"^<(\w+)>c__AnonStorey"))
            type.Name = "<>c__DisplayClass" + count++ + "_0" + arity;
    }

    static void Mark(ModuleDefinition module, TypeDefinition type, string name)
    {
        var constructor = typeof(IteratorStateMachineAttribute).GetConstructor(new[] { typeof(Type) });
        var attribute = new CustomAttribute(module.ImportReference(constructor));
        attribute.ConstructorArguments.Add(
            new CustomAttributeArgument(module.ImportReference(typeof(Type)), type));
        type.DeclaringType.Methods.First(method => method.Name == name).CustomAttributes.Add(attribute);
    }

    static int Number(string hexadecimal) { return Convert.ToInt32(hexadecimal, 16); }
}

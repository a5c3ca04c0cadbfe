// Gives an assembly that mcs compiled with -debug a portable PDB, which mcs cannot write itself:
//
//     mono portable-pdb.exe beside|embedded IN.dll OUT.dll
//     mono portable-pdb.exe list|members DLL
//
// IN.dll.mdb has the lines. Writes OUT.dll, and for `beside` OUT.pdb; OUT.dll names the PDB by its
// absolute path. `list` prints what Cecil reads back: token, IL offset, line, column, file, one sequence
// point a line, line 16707566 for the hidden ones. `members` prints every method as
// `TOKEN TYPE<PARAMETERS>/NESTED<PARAMETERS> METHOD<PARAMETERS> ARGUMENTS`, every type as
// `TOKEN NAME : INTERFACES` (not the generic ones) and `TOKEN FIELD` for its fields. To build it:
//
//     mcs -out:portable-pdb.exe -r:/usr/lib/mono/4.5/mcs.exe \
//         -r:/usr/lib/mono/gac/Mono.Cecil/0.11.0.0__0738eb9f132ed756/Mono.Cecil.dll portable-pdb.cs
//
// Mono.Cecil is Debian's libmono-cecil-private-cil. The reader of .mdb files,
// Mono.CompilerServices.SymbolWriter, is part of mcs.exe on Debian.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Runtime.CompilerServices;
using Mono.Cecil;
using Mono.Cecil.Cil;
using Mono.CompilerServices.SymbolWriter;

// A class without anything of mcs.exe in it, so that it can say where that lies.
static class PortablePdb
{
    static int Main(string[] words)
    {
        if (words.Length == 2 && (words[0] == "list" || words[0] == "members"))
        {
            if (words[0] == "list") List(words[1]); else Members(words[1]);
            return 0;
        }
        if (words.Length != 3 || (words[0] != "beside" && words[0] != "embedded"))
        {
            Console.Error.WriteLine("usage: portable-pdb.exe beside|embedded IN.dll OUT.dll, or list|members DLL");
            return 2;
        }
        AppDomain.CurrentDomain.AssemblyResolve += (sender, wanted) =>
            new AssemblyName(wanted.Name).Name == "mcs" ? Assembly.LoadFrom("/usr/lib/mono/4.5/mcs.exe") : null;
        Convert(words);
        return 0;
    }

    static void List(string path)
    {
        using (var module = ModuleDefinition.ReadModule(path, new ReaderParameters { ReadSymbols = true }))
            foreach (var method in module.GetTypes().SelectMany(type => type.Methods))
                foreach (var point in method.DebugInformation.SequencePoints)
                    Console.WriteLine(
                        "{0:x8} {1} {2} {3} {4}", method.MetadataToken.ToInt32(), point.Offset,
                        point.StartLine, point.StartColumn, point.Document.Url);
    }

    static string Parameters(IGenericParameterProvider owner)
    {
        var names = owner.GenericParameters.Select(one => one.Name);
        return owner.HasGenericParameters ? "<" + string.Join(",", names) + ">" : "";
    }

    static string Name(TypeReference type)
    {
        return type.Namespace == "" ? type.Name : type.Namespace + "." + type.Name;
    }

    static string Chain(TypeDefinition type)
    {
        var outer = type.DeclaringType == null ? "" : Chain(type.DeclaringType) + "/";
        return outer + Name(type) + Parameters(type);
    }

    static void Members(string path)
    {
        using (var module = ModuleDefinition.ReadModule(path))
            foreach (var type in module.GetTypes())
            {
                var interfaces = type.Interfaces.Select(one => one.InterfaceType)
                    .Where(one => !one.IsGenericInstance).Select(Name);
                Console.WriteLine("{0:x8} {1} : {2}", type.MetadataToken.ToInt32(), Name(type), string.Join(",", interfaces));
                foreach (var field in type.Fields)
                    Console.WriteLine("{0:x8} {1}", field.MetadataToken.ToInt32(), field.Name);
                foreach (var method in type.Methods)
                    Console.WriteLine(
                        "{0:x8} {1} {2}{3} {4}", method.MetadataToken.ToInt32(), Chain(type), method.Name,
                        Parameters(method), string.Join(",", method.Parameters.Select(one => one.Name)));
            }
    }

    // Mono loads what a method names when it compiles it: of its own, so that Main comes first.
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Convert(string[] words)
    {
        Converter.Convert(words[1], Path.GetFullPath(words[2]), words[0] == "embedded");
    }
}

static class Converter
{
    // A line number that says: no source here (Portable PDB v1.0, hidden sequence point).
    const int Hidden = 0xfeefee;

    internal static void Convert(string input, string output, bool embedded)
    {
        // In memory, so that IN and OUT may be the same file.
        var bytes = new MemoryStream(File.ReadAllBytes(input));
        using (var module = ModuleDefinition.ReadModule(bytes))
        {
            using (var mdb = MonoSymbolFile.ReadSymbolFile(input + ".mdb"))
            {
                if (mdb.Guid != module.Mvid)
                    throw new InvalidDataException(input + ".mdb is of another build");
                AddLines(module, mdb);
            }
            ISymbolWriterProvider provider = new PortablePdbWriterProvider();
            if (embedded) provider = new EmbeddedPortablePdbWriterProvider();
            module.Write(output, new WriterParameters { WriteSymbols = true, SymbolWriterProvider = provider });
        }
    }

    static void AddLines(ModuleDefinition module, MonoSymbolFile mdb)
    {
        var documents = new Dictionary<string, Document>();
        foreach (var entry in mdb.Methods)
        {
            var method = (MethodDefinition)module.LookupToken(entry.Token);
            var points = method.DebugInformation.SequencePoints;
            var instructions = method.Body.Instructions.ToDictionary(one => one.Offset);
            // Several entries may share an offset: the last of them is what the code there is for.
            var lines = entry.GetLineNumberTable().LineNumbers.GroupBy(one => one.Offset)
                .Select(group => group.Last()).OrderBy(one => one.Offset);
            foreach (var line in lines)
            {
                Instruction instruction;
                if (!instructions.TryGetValue(line.Offset, out instruction)) continue;
                var file = mdb.GetSourceFile(line.File).FileName;
                Document document;
                if (!documents.TryGetValue(file, out document))
                {
                    document = new Document(file)
                    {
                        Language = DocumentLanguage.CSharp,
                        LanguageVendor = DocumentLanguageVendor.Microsoft,
                        Type = DocumentType.Text,
                    };
                    documents.Add(file, document);
                }
                points.Add(Point(instruction, document, line));
            }
        }
    }

    static SequencePoint Point(Instruction instruction, Document document, LineNumberEntry line)
    {
        if (line.IsHidden)
            return new SequencePoint(instruction, document) { StartLine = Hidden, EndLine = Hidden };
        var point = new SequencePoint(instruction, document)
        {
            StartLine = line.Row,
            StartColumn = Math.Max(line.Column, 1),
            EndLine = Math.Max(line.EndRow, line.Row),
            EndColumn = line.EndColumn,
        };
        // One that ends where it begins would be written as a hidden one.
        if (point.EndLine == point.StartLine && point.EndColumn <= point.StartColumn)
            point.EndColumn = point.StartColumn + 1;
        return point;
    }
}

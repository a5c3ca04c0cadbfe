// Null references, thousands of them, and then a death:
//
//   dotnet NullReferences.dll unhandled|native [COUNT]
//
// Each is a SIGSEGV whose handler in CoreCLR starts on the alternate signal stack, goes back to the stack that
// faulted, and never returns from the signal. On a platform that gets the alternate stack wrong (LX-branded
// SmartOS did) the second or third one ends the process. The last one is caught by nobody; or a function of libc
// faults, which is a signal like the others, but no exception.
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

class Node
{
    public int Value = 1;
    public Node Next = null;
}

static class NullReferences
{
    [DllImport("libc.so.6")]
    static extern IntPtr memset(IntPtr target, int value, UIntPtr count);

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int ValueOf(Node node)
    {
        return node.Value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static bool IsCaught(Node node)
    {
        try
        {
            return ValueOf(node) != 0;
        }
        catch (NullReferenceException)
        {
            return true;
        }
    }

    static int Main(string[] arguments)
    {
        string end = arguments.Length > 0 ? arguments[0] : "";
        if (end != "unhandled" && end != "native")
        {
            Console.Error.WriteLine("usage: dotnet NullReferences.dll unhandled|native [COUNT]");
            return 2;
        }
        int count = arguments.Length > 1 ? int.Parse(arguments[1]) : 10000;
        int caught = 0;
        var last = new Node();
        for (int i = 0; i < count; i++)
            if (IsCaught(last.Next)) caught++;
        Console.WriteLine(caught + " null references caught");
        if (end == "unhandled") return ValueOf(last.Next);
        memset(new IntPtr(8), 0, new UIntPtr(1));
        return 2;
    }
}

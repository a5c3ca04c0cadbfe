// What exceptions say of themselves.
using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

static class Words
{
    [DllImport("no-such-library")] static extern void no_such_function();

    class OrderException : Exception
    {
        public OrderException(string message) : base(message) { }
    }

    class LoudException : Exception
    {
        public LoudException(string message) : base(message) { }
        public override string Message { get { return "loudly: " + base.Message + "!"; } }
    }

    class TypedException<T> : Exception
    {
        public TypedException(string message) : base(message) { }
    }

    internal static void Argument()
    {
        throw new ArgumentException("too many pears", "fruit");
    }

    internal static void ArgumentNull()
    {
        throw new ArgumentNullException("basket");
    }

    internal static void ArgumentRange()
    {
        throw new ArgumentOutOfRangeException("count", 4711, "must be below 10");
    }

    internal static void KeyNotFound()
    {
        var prices = new Dictionary<string, int> { { "apple", 1 } };
        GC.KeepAlive(prices["pear"]);
    }

    internal static void FileNotFound()
    {
        File.Open("/tmp/no such menü.txt", FileMode.Open);
    }

    internal static void DirectoryNotFound()
    {
        File.ReadAllText("/nonexistent/folder/menu.txt");
    }

    internal static void Disposed()
    {
        var stream = new MemoryStream();
        stream.Dispose();
        stream.WriteByte(1);
    }

    internal static void NumberFormat()
    {
        int.Parse("seven");
    }

    internal static void SystemError()
    {
        throw new Win32Exception(2, "the kernel refused");
    }

    internal static void DivideByZero()
    {
        GC.KeepAlive(Divide(1, 0));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Divide(int a, int b)
    {
        return a / b;
    }

    internal static void CheckedOverflow()
    {
        GC.KeepAlive(AddChecked(int.MaxValue, 1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int AddChecked(int a, int b)
    {
        return checked(a + b);
    }

    internal static void InvalidCast()
    {
        object fruit = "pear";
        GC.KeepAlive((Version)fruit);
    }

    internal static void IndexOutOfRange()
    {
        GC.KeepAlive(Pick(new[] { 1, 2, 3 }, 3));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Pick(int[] numbers, int index)
    {
        return numbers[index];
    }

    internal static void NullReference()
    {
        Version version = null;
        GC.KeepAlive(version.Major);
    }

    // The heap is limited by the environment.
    internal static void OutOfMemory()
    {
        GC.KeepAlive(new byte[2000000000]);
    }

    internal static void MissingLibrary()
    {
        no_such_function();
    }

    internal static void OwnMessage()
    {
        throw new OrderException("order 12 is lost");
    }

    internal static void OverriddenMessage()
    {
        throw new LoudException("order 13 is lost");
    }

    internal static void NullMessage()
    {
        throw new OrderException(null);
    }

    internal static void EmptyMessage()
    {
        throw new OrderException("");
    }

    // What stderr cannot carry: the message, in base 64 of UTF-16, on standard output.
    static Exception Saying(string message)
    {
        var bytes = new byte[2 * message.Length];
        Buffer.BlockCopy(message.ToCharArray(), 0, bytes, 0, bytes.Length);
        Console.Out.WriteLine(Convert.ToBase64String(bytes));
        Console.Out.Flush();
        return new OrderException(message);
    }

    internal static void Lines()
    {
        throw Saying("first line\nsecond line\r\nfourth\n\nsixth");
    }

    internal static void LikeATrace()
    {
        throw Saying("bad\n   at Fake.Method(String x) in fake.cs:line 7\n ---> not inside");
    }

    internal static void Quotes()
    {
        throw Saying("\"quoted\" 'single' back\\slash tab\tbell\a escape\u001b[31m </script>");
    }

    internal static void Unicode()
    {
        throw Saying("umlaut ü, Ελλάδα, 日本語, emoji 😀, e\u0301, \u202eright to left\u202c, \ufeffBOM");
    }

    internal static void LoneSurrogates()
    {
        throw Saying("high \ud83d low \ude00 end");
    }

    internal static void Nul()
    {
        throw Saying("before\0after");
    }

    internal static void Megabyte()
    {
        var text = new StringBuilder("begin ");
        while (text.Length < 1000000) text.Append("0123456789 ");
        throw Saying(text.Append("end").ToString());
    }

    class Outer
    {
        internal class Inner
        {
            internal class LostException : Exception { }
        }
    }

    internal static void NestedType()
    {
        throw new Outer.Inner.LostException();
    }

    internal static void GenericType()
    {
        throw new TypedException<Dictionary<string, int>>("typed");
    }
}

// What the runtime itself prints of types and of stack traces, beside what it says by other means.
//
//     dotnet Words.dll
//
// `T` FullName TAB ToString(); `X` for an exception, `F` METHOD TAB FILE TAB LINE for each of its frames,
// and `|` before each line of its stack trace.
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading.Tasks;

class Outer<T>
{
    public class Inner<U> { public struct Plain { } }
    public static void Throw<V>(T first, V[] second, ref int third, Func<T, V> fourth)
    {
        throw new InvalidOperationException("generic");
    }
}

class Words
{
    static void Type(Type type) { Console.WriteLine("T" + type.FullName + "\t" + type); }

    static void Exception(Exception e)
    {
        Console.WriteLine("X" + e.GetType());
        foreach (var frame in new StackTrace(e, true).GetFrames())
            Console.WriteLine("F" + frame.GetMethod().Name + "\t" + frame.GetFileName() + "\t" + frame.GetFileLineNumber());
        foreach (var line in e.StackTrace.Split('\n')) Console.WriteLine("|" + line);
    }

    static async Task<int> Wait()
    {
        await Task.Delay(1);
        var numbers = new Dictionary<string, List<int>>();
        return numbers["absent"].Count;
    }

    static void Try(Action action)
    {
        try { action(); } catch (Exception e) { Exception(e); }
    }

    static void Main()
    {
        foreach (var type in new[] {
            typeof(int), typeof(List<int>), typeof(List<int[]>), typeof(Dictionary<string, List<int[,]>>),
            typeof(Outer<int>.Inner<string>), typeof(Outer<List<int>>.Inner<Words>.Plain),
            typeof(List<int>[]), typeof(List<int[][,,]>[,]), typeof(int).MakeArrayType(1),
            typeof(List<>).MakeGenericType(typeof(string).MakeArrayType(1)), typeof(List<int>).MakeByRefType(),
            typeof(int*), typeof(List<int*[]>), typeof(Func<int, Func<long, Tuple<byte, char[]>>, string>),
            typeof(KeyValuePair<,>), typeof(int?), typeof((int, (string, List<long>))),
            typeof(Outer<Outer<Outer<int>>>.Inner<Outer<int[]>[]>),
        }) Type(type);

        Try(() => Outer<string>.Throw<int>("x", null, ref unused, null));
        Try(() => Wait().GetAwaiter().GetResult());
        Try(() => int.Parse("no number"));
        Try(() => { try { Wait().Wait(); } catch (AggregateException e) { throw new ArgumentException("again", e); } });
#line 77 "/build (old) in here/Odd:line 3.cs"
        Try(() => new List<int>().RemoveAt(3));
    }
    static int unused;
}

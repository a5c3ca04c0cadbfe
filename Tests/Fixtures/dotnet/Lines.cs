// Every kind of method that a C# compiler rewrites, throwing from a line that says so: what is
// between `/*at` and `*/` is the name by which a developer knows the frame on that line.
//
//     dotnet Lines.dll
//
// prints the runtime's own idea of each frame: token, IL offset, line, column, file, method; and `==`
// before each exception. On 3.1 a caller's line is that of what it would do next.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;

namespace Shop
{
    interface ICounter { int Count(); }

    class Basket<T>
    {
        internal class Drawer<U>
        {
            internal void Open<V>(V key)
            {
                Lines.Fail(); /*at Shop.Basket<T>.Drawer<U>.Open<V>*/
            }
        }

        internal R Fold<R>(R start)
        {
            Func<R, R> step = value =>
            {
                Lines.Fail(start); /*at Shop.Basket<T>.Fold+lambda*/
                return value;
            };
            return step(start); /*at Shop.Basket<T>.Fold<R>*/
        }

        internal IEnumerable<T> Walk(T first)
        {
            yield return first;
            Lines.Fail(); /*at Shop.Basket<T>.Walk+MoveNext*/
            yield return first;
        }

        internal async Task<T> Fetch(T value)
        {
            await Task.Yield();
            Lines.Fail(); /*at async Shop.Basket<T>.Fetch*/
            return value;
        }
    }

    class Till : ICounter
    {
        static readonly int opened = 0;
        int ICounter.Count()
        {
            Lines.Fail(); /*at Shop.Till.Shop.ICounter.Count*/
            return 0;
        }
        internal Till() { }
        internal Till(int amount)
        {
            if (amount > opened)
                Lines.Fail(); /*at Shop.Till..ctor*/
        }
        internal int Amount
        {
            get
            {
                Lines.Fail(); /*at Shop.Till.get_Amount*/
                return 0;
            }
        }
        internal int this[string name]
        {
            get { Lines.Fail(name); /*at Shop.Till.get_Item*/ return 0; }
        }
        public static Till operator +(Till one, Till other)
        {
            Lines.Fail(); /*at Shop.Till.op_Addition*/
            return one;
        }
    }

    static class Lines
    {
        static int calls;

        [MethodImpl(MethodImplOptions.NoInlining)]
        internal static void Fail(object why = null)
        {
            if (calls++ >= 0)
                throw new InvalidOperationException("" + why); /*at Shop.Lines.Fail*/
        }

        static IEnumerable Numbers(int count)
        {
            for (int number = 0; number < count; number++)
                yield return number;
            Fail(); /*at Shop.Lines.Numbers+MoveNext*/
        }

        static async Task Nested(int depth)
        {
            if (depth > 0)
            {
                await Task.Delay(1);
                await Nested(depth - 1); /*at async Shop.Lines.Nested*/
            }
            Func<Task> inner = async () =>
            {
                await Task.Yield();
                Fail(depth); /*at async Shop.Lines.Nested+lambda*/
            };
            await inner(); /*at async Shop.Lines.Nested*/
        }

        static async void Forget()
        {
            try { await Task.Yield(); }
            finally { calls++; }
        }

        static void Static()
        {
            Action plain = () => Fail(); /*at Shop.Lines.Static+lambda*/
            plain(); /*at Shop.Lines.Static*/
        }

        static void Nesting(int outer)
        {
            Action<int> first = inner =>
            {
                Action second = () => Fail(outer + inner); /*at Shop.Lines.Nesting+lambda*/
                second(); /*at Shop.Lines.Nesting+lambda*/
            };
            first(1); /*at Shop.Lines.Nesting*/
        }

        static unsafe void Many(int[] numbers, ref string text, int* pointer, int[,][] table)
        {
            if (numbers.Length > 0)
            {
                // Far from the last one, then back: sequence points have signed differences.
#line 3000 "Far.cs"
                Fail(text);
#line default
            }
        }

        static readonly Tuple<string, Action>[] Ways =
        {
            Tuple.Create<string, Action>("generic", () => new Basket<string>.Drawer<int>().Open(1.5)),
            Tuple.Create<string, Action>("lambda", () => new Basket<int>().Fold("x")),
            Tuple.Create<string, Action>("iterator", () => new Basket<int>().Walk(1).ToList()),
            Tuple.Create<string, Action>("async", () => new Basket<string>().Fetch("x").GetAwaiter().GetResult()),
            Tuple.Create<string, Action>("explicit", () => ((ICounter)new Till()).Count()),
            Tuple.Create<string, Action>("constructor", () => new Till(3)),
            Tuple.Create<string, Action>("property", () => Fail(new Till().Amount)),
            Tuple.Create<string, Action>("indexer", () => Fail(new Till()["x"])),
            Tuple.Create<string, Action>("operator", () => Fail(new Till() + new Till())),
            Tuple.Create<string, Action>("numbers", () => Numbers(3).Cast<int>().Count()),
            Tuple.Create<string, Action>("nested", () => Nested(2).GetAwaiter().GetResult()),
            Tuple.Create<string, Action>("static", Static),
            Tuple.Create<string, Action>("nesting", () => Nesting(1)),
            Tuple.Create<string, Action>("far", Far),
        };

        static unsafe void Far()
        {
            string text = "far";
            int number = 0;
            Many(new[] { 1 }, ref text, &number, null); /*at Shop.Lines.Far*/
        }

        static void Main()
        {
            Forget();
            foreach (var way in Ways)
            {
                try { way.Item2(); }
                catch (Exception error)
                {
                    Console.WriteLine("== " + way.Item1);
                    foreach (var frame in new StackTrace(error, true).GetFrames())
                    {
                        var method = frame.GetMethod();
                        if (method.Module != typeof(Lines).Module) continue;
                        Console.WriteLine(
                            "{0:x8} {1} {2} {3} {4} {5}", method.MetadataToken, frame.GetILOffset(),
                            frame.GetFileLineNumber(), frame.GetFileColumnNumber(), frame.GetFileName(), method);
                    }
                }
            }
        }
    }
}

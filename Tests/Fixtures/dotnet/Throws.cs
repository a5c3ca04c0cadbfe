// A .NET program that throws in every way that a stack trace, a name or a message can look different:
//
//     dotnet Throws.dll MODE
//
// What the runtime prints when it dies is what our report is measured by, so every statement that can be in
// a stack trace has a line of its own, and every method a name of its own. The modes are here, what they do
// is in Throws.*.cs.
//
// Two named threads are blocked meanwhile: lock-waiter in Monitor.Enter, sleeper in Thread.Sleep.
using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

static class Throws
{
    [DllImport("crash")] static extern void crash_note_thread();

    static readonly Dictionary<string, Action> Modes = new Dictionary<string, Action>
    {
        // Kinds of methods.
        { "generic-reference", Shapes.GenericOfReference },
        { "generic-value", Shapes.GenericOfValue },
        { "generic-nested", Shapes.GenericNested },
        { "generic-base", Shapes.GenericBase },
        { "generic-method", Shapes.GenericMethod },
        { "generic-method-value", Shapes.GenericMethodOfValue },
        { "generic-method-in-generic", Shapes.GenericMethodInGeneric },
        { "generic-static", Shapes.GenericStatic },
        { "arguments", Shapes.ManyArguments },
        { "overloads", Shapes.Overloads },
        { "lambda", Shapes.PlainLambda },
        { "lambda-capturing", Shapes.CapturingLambda },
        { "lambda-in-generic", Shapes.LambdaInGeneric },
        { "local-function", Shapes.InLocalFunction },
        { "iterator", Shapes.InIterator },
        { "iterator-generic", Shapes.InGenericIterator },
        { "linq", Shapes.InLinq },
        { "linq-iterator", Shapes.InLinqIterator },
        { "sort", Shapes.InComparison },
        { "lazy", Shapes.InLazy },
        { "explicit-interface", Shapes.ExplicitInterface },
        { "struct-method", Shapes.StructMethod },
        { "virtual-method", Shapes.VirtualMethod },
        { "constructor", Shapes.InConstructor },
        { "static-constructor", Shapes.InStaticConstructor },
        { "property", Shapes.InProperty },
        { "indexer", Shapes.InIndexer },
        { "operator", Shapes.InOperator },
        { "delegate-multicast", Shapes.MulticastDelegate },
        { "event", Shapes.EventHandlers },
        { "reflection", Shapes.ByReflection },
        { "reflection-constructor", Shapes.ByActivator },
        { "dynamic-method", Shapes.InDynamicMethod },
        { "long-lines", Shapes.ManyLines },
        { "deep", Shapes.DeepRecursion },
        { "hot", Shapes.HotMethods },
        { "from-memory", Shapes.FromMemory },
        { "callback", Native.ThrowFromCallback },
        { "callback-twice", Native.ThrowFromCallbackInCallback },
        { "finalizer", Shapes.InFinalizer },

        // Tasks and threads.
        { "async-before-await", Async.BeforeAwait },
        { "async-after-delay", Async.AfterDelay },
        { "async-after-yield", Async.AfterYield },
        { "async-generic", Async.Generic },
        { "async-struct", Async.OfStruct },
        { "async-lambda", Async.Lambda },
        { "async-void", Async.Void },
        { "async-void-on-pool", () => OnPool(Async.VoidOnPool) },
        { "async-inner", Async.Wrapped },
        { "async-file", Async.MissingFile },
        { "async-http", Async.RefusedConnection },
        { "pool", () => OnPool(Async.PoolWork) },
        { "thread", () => OnThread(Async.ThreadWork) },
        { "timer", Async.TimerTick },
        { "task-wait", Async.TaskWait },
        { "task-result", Async.TaskResult },
        { "task-await", Async.TaskAwaited },
        { "task-wait-all", Async.WaitAll },
        { "task-continuation", Async.Continuation },
        { "task-cancelled", Async.Cancelled },
        { "parallel", Async.ParallelForEach },
        { "aggregate-nested", Async.AggregateNested },
        { "aggregate-empty", Async.AggregateEmpty },

        // How exceptions travel.
        { "rethrow", Travels.Rethrow },
        { "rethrow-variable", Travels.RethrowVariable },
        { "rethrow-elsewhere", Travels.RethrowFromElsewhere },
        { "rethrow-captured", Travels.RethrowCaptured },
        { "thrown-twice", Travels.ThrownTwice },
        { "wrapped", Travels.WrappedThreeDeep },
        { "wrapped-never-thrown", Travels.WrappedNeverThrown },
        { "filter", Travels.Filter },
        { "filter-throws", Travels.FilterThrows },
        { "in-finally", Travels.InFinally },
        { "in-catch", Travels.InCatch },
        { "after-many-caught", Travels.AfterManyCaught },
        { "after-handled", Travels.AfterHandled },

        // What exceptions say.
        { "argument", Words.Argument },
        { "argument-null", Words.ArgumentNull },
        { "argument-range", Words.ArgumentRange },
        { "key-not-found", Words.KeyNotFound },
        { "file-not-found", Words.FileNotFound },
        { "directory-not-found", Words.DirectoryNotFound },
        { "disposed", Words.Disposed },
        { "number-format", Words.NumberFormat },
        { "system-error", Words.SystemError },
        { "divide-by-zero", Words.DivideByZero },
        { "overflow-checked", Words.CheckedOverflow },
        { "invalid-cast", Words.InvalidCast },
        { "index", Words.IndexOutOfRange },
        { "null-reference", Words.NullReference },
        { "out-of-memory", Words.OutOfMemory },
        { "missing-library", Words.MissingLibrary },
        { "message-own", Words.OwnMessage },
        { "message-overridden", Words.OverriddenMessage },
        { "message-null", Words.NullMessage },
        { "message-empty", Words.EmptyMessage },
        { "message-lines", Words.Lines },
        { "message-like-a-trace", Words.LikeATrace },
        { "message-quotes", Words.Quotes },
        { "message-unicode", Words.Unicode },
        { "message-surrogates", Words.LoneSurrogates },
        { "message-nul", Words.Nul },
        { "message-megabyte", Words.Megabyte },
        { "nested-type", Words.NestedType },
        { "generic-type", Words.GenericType },

        // Ends that are no unhandled exceptions, or not only.
        { "fail-fast", Ends.FailFast },
        { "fail-fast-lines", Ends.FailFastLines },
        { "fail-fast-exception", Ends.FailFastException },
        { "fail-fast-null", Ends.FailFastNull },
        { "fail-fast-thread", () => OnThread(Ends.FailFast) },
        { "access-violation", Ends.AccessViolation },
        { "native-segv", Native.FaultFromNamedMethods },
        { "native-segv-in-callback", Native.FaultInCallback },
        { "overflow", Ends.Overflow },
        { "overflow-thread", () => OnThread(Ends.Overflow) },
        { "overflow-single", Ends.OverflowOfOne },

        // Lives.
        { "wait", Waits.Wait },
        { "locks", Locks.Wait },
    };

    static readonly object Lock = new object();

    static int Main(string[] arguments)
    {
        Action mode;
        if (arguments.Length != 1 || !Modes.TryGetValue(arguments[0], out mode))
        {
            Console.WriteLine(string.Join("\n", Modes.Keys));
            return 64;
        }
        lock (Lock)
        {
            Start("lock-waiter", () => { lock (Lock) { } });
            Start("sleeper", () => Thread.Sleep(60000));
            mode();
        }
        Console.WriteLine("survived");
        return 0;
    }

    // Returns when the thread is blocked.
    internal static void Start(string name, ThreadStart body)
    {
        var thread = new Thread(body) { Name = name, IsBackground = true };
        thread.Start();
        while ((thread.ThreadState & ThreadState.WaitSleepJoin) == 0) Thread.Sleep(1);
    }

    internal static void OnThread(Action action)
    {
        var thread = new Thread(() => { NoteThread(); action(); }) { Name = "victim" };
        thread.Start();
        thread.Join();
    }

    internal static void OnPool(Action action)
    {
        ThreadPool.QueueUserWorkItem(_ => { NoteThread(); action(); });
        Thread.Sleep(10000);
    }

    // To be called by the thread that is about to crash, where that is not the main one.
    internal static void NoteThread() { crash_note_thread(); }
}

// A .NET program that dies in the way its first argument says; see truth.md for what each way does.
//
//     dotnet Crash.dll MODE
//
// Whatever the mode, five named threads are alive meanwhile, so that a report has something to show:
//     lock-waiter      blocked in Monitor.Enter
//     sleeper          in Thread.Sleep
//     computer         computing
//     callback-waiter  managed → native → managed → native, asleep there
//     queue-waiter     in BlockingCollection.Take
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

static class Crash
{
    delegate void Callback();

    [DllImport("crash")] static extern void crash_segv();
    [DllImport("crash")] static extern void crash_segv_read_only();
    [DllImport("crash")] static extern void crash_segv_non_canonical();
    [DllImport("crash")] static extern void crash_call_null();
    [DllImport("crash")] static extern int crash_fpe();
    [DllImport("crash")] static extern void crash_ill();
    [DllImport("crash")] static extern void crash_trap();
    [DllImport("crash")] static extern void crash_bus();
    [DllImport("crash")] static extern void crash_abort();
    [DllImport("crash")] static extern void crash_raise(int number);
    [DllImport("crash")] static extern int crash_overflow();
    [DllImport("crash")] static extern void crash_call_back(Callback back);
    [DllImport("crash")] static extern void crash_sleep(int milliseconds);
    [DllImport("crash")] static extern void crash_note_thread();

    static readonly Dictionary<string, Action> Modes = new Dictionary<string, Action>
    {
        // Ends without a crash.
        { "exit", () => { } },
        { "caught", CatchMany },
        { "wait", Wait },
        { "wait-in-native", () => { Ready(); crash_sleep(3000); } },
        { "wait-long-in-native", () => { Ready(); crash_sleep(60000); } },
        { "wait-in-sleep", () => { Ready(); Thread.Sleep(3000); } },
        { "wait-then-exception", () => { Wait(); Throw(); } },
        { "wait-then-exception-thread", () => { Wait(); OnThread(Throw); } },

        // Managed exceptions.
        { "exception", Throw },
        { "exception-thread", () => OnThread(Throw) },
        { "exception-pool", () => OnPool(Throw) },
        { "exception-inner", ThrowWithInner },
        { "exception-aggregate", ThrowAggregate },
        { "exception-rethrown", Rethrow },
        { "exception-text", () => { throw new ApplicationException("quote \" backslash \\ tab \t newline \n umlaut ü emoji 😀"); } },
        { "exception-in-callback", () => crash_call_back(Throw) },
        { "null-reference", () => Console.WriteLine(Nothing().Length) },
        { "exception-two-threads", () => OnTwoThreads(Throw) },
        { "exception-in-child", InChild },
        { "fail-fast", () => Environment.FailFast("the ledger does not balance") },
        { "fail-fast-thread", () => OnThread(() => Environment.FailFast("the ledger does not balance")) },
        { "overflow", () => Overflow(0) },
        { "overflow-thread", () => OnThread(() => Overflow(0)) },

        // Access violations in managed code.
        { "access-violation", () => WriteTo(new IntPtr(0x7ead0000)) },
        { "access-violation-near-null", () => WriteTo(new IntPtr(0x10)) },
        { "access-violation-marshal", () => Marshal.ReadByte(new IntPtr(0x10)) },

        // Faults in native code.
        { "native-segv", crash_segv },
        { "native-segv-thread", () => OnThread(crash_segv) },
        { "native-segv-two-threads", () => OnTwoThreads(crash_segv) },
        { "native-segv-read-only", crash_segv_read_only },
        { "native-segv-non-canonical", crash_segv_non_canonical },
        { "native-segv-in-callback", () => crash_call_back(crash_segv) },
        { "native-call-null", crash_call_null },
        { "native-fpe", () => crash_fpe() },
        { "native-ill", crash_ill },
        { "native-trap", crash_trap },
        { "native-bus", crash_bus },
        { "native-overflow", () => crash_overflow() },
        { "native-overflow-thread", () => OnThread(() => crash_overflow()) },

        // Signals that the program sends itself.
        { "native-abort", crash_abort },
        { "native-abort-thread", () => OnThread(crash_abort) },
        { "raise-segv", () => Raise(11) },
        { "raise-fpe", () => Raise(8) },
        { "raise-abrt", () => Raise(6) },
    };

    static readonly object Lock = new object();
    static readonly BlockingCollection<string> Queue = new BlockingCollection<string>();
    static readonly CountdownEvent Started = new CountdownEvent(5);

    // Native code keeps a pointer to it, so it must not be collected.
    static readonly Callback SleepInNative = () => { Started.Signal(); crash_sleep(60000); };

    static int Main(string[] arguments)
    {
        Action mode;
        if (arguments.Length != 1 || !Modes.TryGetValue(arguments[0], out mode))
        {
            Console.Error.WriteLine("usage: Crash.dll MODE, one of: " + string.Join(" ", Modes.Keys));
            return 64;
        }
        lock (Lock)
        {
            StartThreads();
            mode();
        }
        Console.WriteLine("survived");
        return 0;
    }

    static void StartThreads()
    {
        Start("lock-waiter", () => { Started.Signal(); lock (Lock) { } });
        Start("sleeper", () => { Started.Signal(); Thread.Sleep(60000); });
        Start("computer", () => { Started.Signal(); while (Compute(1000) >= 0) { } });
        Start("callback-waiter", () => crash_call_back(SleepInNative));
        Start("queue-waiter", () => { Started.Signal(); Queue.Take(); });
        Started.Wait();
        Thread.Sleep(50);   // from "about to block" to "blocked"
    }

    static void Start(string name, ThreadStart body)
    {
        new Thread(body) { Name = name, IsBackground = true }.Start();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static double Compute(int rounds)
    {
        double sum = 0;
        for (int i = 1; i < rounds; i++) sum += Math.Sqrt(i);
        return sum;
    }

    // A driver reads "ready PID", does what it wants to this process, then writes a line.
    // "survived" comes well after, so that a signal still under way cannot be missed. What a sent signal
    // does depends on where it finds the main thread, hence wait-in-native and wait-in-sleep, which end
    // by themselves.
    static void Wait()
    {
        Ready();
        Console.ReadLine();
        Thread.Sleep(1000);
    }

    static void Ready()
    {
        Console.WriteLine("ready " + System.Diagnostics.Process.GetCurrentProcess().Id);
        Console.Out.Flush();
    }

    static void OnThread(Action action)
    {
        var thread = new Thread(() => { crash_note_thread(); action(); }) { Name = "victim" };
        thread.Start();
        thread.Join();
    }

    static void OnTwoThreads(Action action)
    {
        var together = new Barrier(2);
        ThreadStart body = () => { together.SignalAndWait(); action(); };
        var threads = new[] { new Thread(body), new Thread(body) };
        foreach (var thread in threads) thread.Start();
        foreach (var thread in threads) thread.Join();
    }

    // Another process of the same program, which ends by an exception; this one ends well.
    static void InChild()
    {
        var self = System.Diagnostics.Process.GetCurrentProcess().MainModule.FileName;
        var start = new System.Diagnostics.ProcessStartInfo(self, typeof(Crash).Assembly.Location + " exception");
        start.UseShellExecute = false;
        using (var child = System.Diagnostics.Process.Start(start))
        {
            child.WaitForExit();
            Console.WriteLine("child ended with " + child.ExitCode);
        }
    }

    static void OnPool(Action action)
    {
        ThreadPool.QueueUserWorkItem(_ => { crash_note_thread(); action(); });
        Thread.Sleep(10000);
    }

    // A signal that the program sent itself may let it live; say so, from the same thread.
    static void Raise(int number)
    {
        crash_raise(number);
        Console.WriteLine("returned from raise");
        Thread.Sleep(1000);
    }

    // The runtime turns each of these faults into an exception by its signal handler.
    static void CatchMany()
    {
        int caught = 0;
        for (int i = 0; i < 2000; i++)
        {
            try { caught += Nothing().Length; }
            catch (NullReferenceException) { caught++; }
        }
        Console.WriteLine("caught " + caught);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static string Nothing() { return null; }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Throw() { Deeper(3); }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Deeper(int levels)
    {
        if (levels == 0) throw new InvalidOperationException("no price for customer 4711");
        Deeper(levels - 1);
        GC.KeepAlive(Lock);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void ThrowWithInner()
    {
        try { Throw(); }
        catch (Exception inner) { throw new ApplicationException("order 12 cannot be booked", inner); }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void ThrowAggregate()
    {
        var all = new List<Exception>();
        foreach (Action action in new Action[] { Throw, ThrowWithInner })
        {
            try { action(); }
            catch (Exception one) { all.Add(one); }
        }
        throw new AggregateException("two orders failed", all);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Rethrow()
    {
        try { Throw(); }
        catch (InvalidOperationException) { throw; }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Overflow(int depth) { return Overflow(depth + 1) + 1; }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static unsafe void WriteTo(IntPtr address) { *(int*)address = 42; }
}

// Threads that are blocked, for captures of a live process. Each says where, by the runtime's own stack trace.
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

static class Waits
{
    [DllImport("libc")] static extern int gettid();

    // On standard output: "blocked NAME THREAD MANAGED-ID", the lines of the stack trace, and an empty line.
    // The caller blocks on the line on which it calls this.
    internal static void Tell(string name)
    {
        var text = "blocked " + name + " " + gettid() + " " + Thread.CurrentThread.ManagedThreadId + "\n";
        text += Environment.StackTrace.TrimEnd() + "\n\n";
        lock (Console.Out) Console.Out.Write(text);
    }

    static readonly object Held = new object();

    internal static void Wait()
    {
        Console.Out.Flush();
        lock (Held)
        {
            Throws.Start("monitor-waiter", EnterMonitor);
            Throws.Start("task-waiter", WaitForTask);
            Throws.Start("thread-sleeper", SleepLong);
            Throws.Start("callback-waiter", Native.SleepCalledBack);
            Throws.Start("event-waiter", WaitForEvent);
            Throws.Start("generic-waiter", new Hall<string>().WaitInGeneric<int>);
            Throws.Start("catcher", SleepInCatch);
            // No wait that the runtime knows of.
            new Thread(AcceptClient) { Name = "acceptor", IsBackground = true }.Start();
            Accepting.Wait();
            Thread.Sleep(200);
            ReadInput();
        }
    }

    static readonly ManualResetEventSlim Accepting = new ManualResetEventSlim();

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void EnterMonitor()
    {
        Tell("monitor-waiter"); Monitor.Enter(Held);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void WaitForTask()
    {
        var never = new TaskCompletionSource<int>();
        Tell("task-waiter"); never.Task.Wait();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void SleepLong()
    {
        Tell("thread-sleeper"); Thread.Sleep(60000);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void WaitForEvent()
    {
        var never = new ManualResetEvent(false);
        Tell("event-waiter"); never.WaitOne();
    }

    class Hall<T>
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        public void WaitInGeneric<N>()
        {
            Tell("generic-waiter"); Thread.Sleep(60000);
            GC.KeepAlive(default(N));
        }
    }

    // While it handles an exception.
    static void SleepInCatch()
    {
        try
        {
            throw new InvalidDataException("being handled");
        }
        catch (InvalidDataException)
        {
            Tell("catcher"); Thread.Sleep(60000);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void AcceptClient()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Accepting.Set();
        Tell("acceptor"); listener.AcceptSocket();
    }

    // A driver reads "ready", looks at this process, then writes a line.
    static void ReadInput()
    {
        Tell("main"); Ready(Console.In.ReadLine);
    }

    static void Ready(Func<string> read)
    {
        Console.Out.WriteLine("ready");
        Console.Out.Flush();
        read();
    }
}

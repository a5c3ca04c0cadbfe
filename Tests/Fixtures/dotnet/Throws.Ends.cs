// Ends that are no unhandled exceptions, or not only, and crossings into native code.
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

static class Ends
{
    internal static void FailFast()
    {
        GiveUp("the ledger does not balance");
    }

    internal static void FailFastLines()
    {
        GiveUp("the ledger\ndoes not \"balance\": -5 €");
    }

    internal static void FailFastNull()
    {
        GiveUp(null);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void GiveUp(string why)
    {
        Environment.FailFast(why);
    }

    internal static void FailFastException()
    {
        try
        {
            Audit();
        }
        catch (InvalidOperationException found)
        {
            Environment.FailFast("the auditor found something", found);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Audit()
    {
        try
        {
            Count(0);
        }
        catch (Exception inner)
        {
            throw new InvalidOperationException("five cents are missing", inner);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Count(int cents)
    {
        return 100 / cents;
    }

    internal static void AccessViolation()
    {
        WriteTo(new IntPtr(0x7ead0000));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static unsafe void WriteTo(IntPtr address)
    {
        *(int*)address = 42;
    }

    internal static void Overflow()
    {
        Ping(0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Ping(int depth)
    {
        return Pong(depth + 1) + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Pong(int depth)
    {
        return Ping(depth + 1) + 1;
    }

    internal static void OverflowOfOne()
    {
        Recurse(0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Recurse(int depth)
    {
        return Recurse(depth + 1) + 1;
    }
}

static class Native
{
    internal delegate void Callback();

    [DllImport("crash")] static extern void crash_segv();
    [DllImport("crash")] static extern void crash_call_back(Callback back);

    internal static void ThrowFromCallback()
    {
        crash_call_back(CalledBack);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void CalledBack()
    {
        Refuse("called back");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Refuse(string what)
    {
        throw new InvalidOperationException(what);
    }

    internal static void ThrowFromCallbackInCallback()
    {
        crash_call_back(CallBackAgain);
    }

    static void CallBackAgain()
    {
        crash_call_back(CalledBack);
    }

    // Nothing is printed by the runtime for these, so they say themselves where they are.
    internal static void FaultFromNamedMethods()
    {
        Prepare(4711);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Prepare(int order)
    {
        FaultNow();
        GC.KeepAlive(order);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void FaultNow()
    {
        Waits.Tell("main"); crash_segv();
    }

    internal static void FaultInCallback()
    {
        crash_call_back(FaultCalledBack);
    }

    static void FaultCalledBack()
    {
        FaultNow();
    }

    // Managed, native and managed again, where it blocks.
    internal static void SleepCalledBack()
    {
        crash_call_back(SleepBelow);
    }

    static readonly Callback SleepBelow = SleepNow;

    static void SleepNow()
    {
        Waits.Tell("callback-waiter"); Thread.Sleep(60000);
    }
}

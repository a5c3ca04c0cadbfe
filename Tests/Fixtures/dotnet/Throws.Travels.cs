// How exceptions travel: thrown again, wrapped, filtered, replaced.
using System;
using System.IO;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

static class Travels
{
    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Start(string what)
    {
        Boom(what);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Boom(string what)
    {
        throw new InvalidOperationException(what);
    }

    internal static void Rethrow()
    {
        try
        {
            Start("thrown again");
        }
        catch (InvalidOperationException)
        {
            throw;
        }
    }

    // Forgets where it came from.
    internal static void RethrowVariable()
    {
        try
        {
            Start("thrown anew");
        }
        catch (InvalidOperationException exception)
        {
            throw exception;
        }
    }

    static Exception kept;

    internal static void RethrowFromElsewhere()
    {
        try
        {
            Start("thrown elsewhere");
        }
        catch (InvalidOperationException exception)
        {
            kept = exception;
        }
        ThrowKept();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void ThrowKept()
    {
        throw kept;
    }

    // Keeps both stacks: where it was thrown, and where it was thrown again.
    internal static void RethrowCaptured()
    {
        ExceptionDispatchInfo captured = null;
        try
        {
            Start("captured");
        }
        catch (InvalidOperationException exception)
        {
            captured = ExceptionDispatchInfo.Capture(exception);
        }
        Release(captured);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Release(ExceptionDispatchInfo captured)
    {
        captured.Throw();
    }

    static readonly Exception Only = new InvalidOperationException("the only one");

    internal static void ThrownTwice()
    {
        try
        {
            ThrowOnly();
        }
        catch (InvalidOperationException)
        {
            GC.Collect();
        }
        ThrowOnly();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void ThrowOnly()
    {
        throw Only;
    }

    internal static void WrappedThreeDeep()
    {
        try
        {
            WrapTwice();
        }
        catch (Exception inner)
        {
            throw new ApplicationException("cannot serve table 5", inner);
        }
    }

    static void WrapTwice()
    {
        try
        {
            WrapOnce();
        }
        catch (Exception inner)
        {
            throw new InvalidOperationException("cannot cook\norder 12", inner);
        }
    }

    static void WrapOnce()
    {
        try
        {
            Start("no gas");
        }
        catch (Exception inner)
        {
            throw new IOException("cannot light the stove", inner);
        }
    }

    // The inner one has no stack.
    internal static void WrappedNeverThrown()
    {
        throw new InvalidOperationException("outside", new TimeoutException("never thrown"));
    }

    static bool Accepts(Exception exception, string word)
    {
        return exception.Message == word;
    }

    // The inner filter refuses; the outer one, two frames up, accepts and throws something else.
    internal static void Filter()
    {
        try
        {
            FilterInside();
        }
        catch (Exception inner) when (Accepts(inner, "filtered"))
        {
            throw new ApplicationException("accepted by the filter", inner);
        }
    }

    static void FilterInside()
    {
        try
        {
            Start("filtered");
        }
        catch (Exception inner) when (Accepts(inner, "other"))
        {
            throw new ApplicationException("never", inner);
        }
    }

    // An exception in a filter is swallowed, and the filter's answer is no.
    internal static void FilterThrows()
    {
        try
        {
            Start("first");
        }
        catch (InvalidOperationException) when (Start2("second"))
        {
            Console.WriteLine("never");
        }
    }

    static bool Start2(string what)
    {
        throw new ApplicationException(what);
    }

    // Without someone to catch the first one, no finally block would run before the end.
    internal static void InFinally()
    {
        try
        {
            FailFinally();
        }
        catch (InvalidOperationException)
        {
            Console.WriteLine("never");
        }
    }

    static void FailFinally()
    {
        try
        {
            Start("before finally");
        }
        finally
        {
            CleanUp();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void CleanUp()
    {
        throw new IOException("cannot clean up");
    }

    internal static void InCatch()
    {
        try
        {
            Start("first");
        }
        catch (InvalidOperationException)
        {
            CleanUp();
        }
    }

    internal static void AfterManyCaught()
    {
        int caught = 0;
        for (int i = 0; i < 3000; i++)
        {
            try
            {
                caught += Nothing().Length;
            }
            catch (NullReferenceException)
            {
                caught++;
            }
        }
        Measure(Nothing(), caught);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static string Nothing() { return null; }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Measure(string text, int caught)
    {
        GC.KeepAlive(caught);
        return text.Length;
    }

    // The thread's last exception is another one than the one that kills.
    internal static void AfterHandled()
    {
        try
        {
            Start("kills");
        }
        catch (InvalidOperationException)
        {
            try
            {
                CleanUp();
            }
            catch (IOException)
            {
                GC.Collect();
            }
            throw;
        }
    }
}

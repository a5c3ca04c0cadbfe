// Exceptions in tasks, in async methods and on other threads.
using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

static class Async
{
    // An awaited chain of three, which throws before anything was really awaited.
    internal static void BeforeAwait()
    {
        ServeAsync(false).GetAwaiter().GetResult();
    }

    // The same, from a thread of the pool.
    internal static void AfterDelay()
    {
        ServeAsync(true).GetAwaiter().GetResult();
    }

    static async Task ServeAsync(bool really)
    {
        var price = await CookAsync(really);
        GC.KeepAlive(price);
    }

    static async Task<int> CookAsync(bool really)
    {
        var price = await FetchAsync(really);
        return price + 1;
    }

    static async Task<int> FetchAsync(bool really)
    {
        if (really)
            await Task.Delay(10);
        if (Environment.ProcessorCount > 0)
            throw new InvalidOperationException("no fish today");
        return 1;
    }

    internal static void AfterYield()
    {
        try
        {
            YieldAsync(3).Wait();
        }
        catch (AggregateException all)
        {
            GC.KeepAlive(all);
            throw;
        }
    }

    static async Task YieldAsync(int rounds)
    {
        for (int i = 0; i < rounds; i++)
            await Task.Yield();
        await FailAfterYield(rounds);
    }

    static async Task FailAfterYield(int rounds)
    {
        await Task.Yield();
        throw new InvalidOperationException("gave way " + rounds + " times");
    }

    internal static void Generic()
    {
        new Kitchen<string>().PrepareAsync("pear", 7).GetAwaiter().GetResult();
    }

    class Kitchen<T>
    {
        public async Task<N> PrepareAsync<N>(T fruit, N number)
        {
            await Task.Yield();
            return await SpoilAsync(fruit, number);
        }

        async Task<N> SpoilAsync<N>(T fruit, N number)
        {
            await Task.Yield();
            throw new InvalidOperationException("spoilt: " + number + " " + fruit);
        }
    }

    internal static void OfStruct()
    {
        new Oven { Degrees = 200 }.HeatAsync().GetAwaiter().GetResult();
    }

    struct Oven
    {
        public int Degrees;

        public async Task HeatAsync()
        {
            await Task.Delay(1);
            throw new InvalidOperationException(Degrees + " degrees");
        }
    }

    internal static void Lambda()
    {
        var fruit = "pear" + Environment.ProcessorCount;
        Func<Task> lambda = async () =>
        {
            await Task.Delay(1);
            throw new InvalidOperationException(fruit.Substring(0, 4) + " in an async lambda");
        };
        lambda().GetAwaiter().GetResult();
    }

    internal static void Void()
    {
        FireAndForget();
        Thread.Sleep(10000);
    }

    static async void FireAndForget()
    {
        await Task.Delay(10);
        Throws.NoteThread();
        throw new InvalidOperationException("nobody waits for me");
    }

    internal static void VoidOnPool()
    {
        ForgetAtOnce();
    }

    static async void ForgetAtOnce()
    {
        if (Environment.ProcessorCount > 0)
            throw new InvalidOperationException("forgotten at once");
        await Task.Yield();
    }

    internal static void Wrapped()
    {
        WrapAsync().GetAwaiter().GetResult();
    }

    static async Task WrapAsync()
    {
        try
        {
            await FetchAsync(true);
        }
        catch (InvalidOperationException inner)
        {
            throw new ApplicationException("no menu", inner);
        }
    }

    // Through the framework's own async methods, which another compiler has made.
    internal static void MissingFile()
    {
        ReadAsync("/nonexistent/menu.txt").GetAwaiter().GetResult();
    }

    static async Task<int> ReadAsync(string path)
    {
        using (var reader = new StreamReader(new Unreadable()))
        {
            var text = await reader.ReadToEndAsync();
            return text.Length + path.Length;
        }
    }

    class Unreadable : MemoryStream
    {
        public override async Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken token)
        {
            await Task.Yield();
            throw new IOException("the disk is full of holes");
        }

        public override int Read(byte[] buffer, int offset, int count)
        {
            throw new IOException("not here");
        }
    }

    internal static void RefusedConnection()
    {
        ConnectAsync().GetAwaiter().GetResult();
    }

    static async Task<int> ConnectAsync()
    {
        using (var client = new WebClient { Proxy = null })
        {
            var page = await client.DownloadStringTaskAsync("http://127.0.0.1:1/menu");
            return page.Length;
        }
    }

    internal static void PoolWork()
    {
        Work(2);
    }

    internal static void ThreadWork()
    {
        Work(3);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void Work(int hours)
    {
        if (hours > 0)
            throw new InvalidOperationException("too tired after " + hours + " hours");
    }

    internal static void TimerTick()
    {
        using (new Timer(Tick, "tock", 10, Timeout.Infinite))
            Thread.Sleep(10000);
    }

    static void Tick(object state)
    {
        Throws.NoteThread();
        throw new InvalidOperationException("tick " + state);
    }

    internal static void TaskWait()
    {
        var task = Task.Run((Action)FailInTask);
        task.Wait();
    }

    static void FailInTask()
    {
        throw new InvalidOperationException("task failed");
    }

    internal static void TaskResult()
    {
        var task = Task.Run((Func<int>)FailWithResult);
        GC.KeepAlive(task.Result);
    }

    static int FailWithResult()
    {
        throw new ApplicationException("no result");
    }

    internal static void TaskAwaited()
    {
        Task.Run((Action)FailInTask).GetAwaiter().GetResult();
    }

    internal static void WaitAll()
    {
        var tasks = new[]
        {
            Task.Run((Action)FailFirst),
            Task.Run((Action)FailSecond),
            Task.Run((Action)FailThird),
        };
        Task.WaitAll(tasks);
    }

    static void FailFirst()
    {
        throw new InvalidOperationException("the first failed");
    }

    static void FailSecond()
    {
        try
        {
            Work(8);
        }
        catch (InvalidOperationException inner)
        {
            throw new ApplicationException("the second failed", inner);
        }
    }

    static void FailThird()
    {
        throw new ArgumentException("the third failed", "order");
    }

    internal static void Continuation()
    {
        var task = Task.Run((Action)FailInTask).ContinueWith(before => FailLater(before));
        task.GetAwaiter().GetResult();
    }

    static void FailLater(Task before)
    {
        throw new InvalidOperationException("continued in vain", before.Exception);
    }

    internal static void Cancelled()
    {
        var source = new CancellationTokenSource();
        source.Cancel();
        WaitCancelled(source.Token).GetAwaiter().GetResult();
    }

    static async Task WaitCancelled(CancellationToken token)
    {
        await Task.Delay(1000, token);
    }

    internal static void ParallelForEach()
    {
        var together = new Barrier(2);
        var options = new ParallelOptions { MaxDegreeOfParallelism = 2 };
        Parallel.ForEach(new[] { "apple", "pear" }, options, fruit => Peel(fruit, together));
    }

    static void Peel(string fruit, Barrier together)
    {
        together.SignalAndWait(5000);
        throw new InvalidOperationException("cut myself");
    }

    internal static void AggregateNested()
    {
        var inner = new AggregateException("inner pair", Caught(FailFirst), Caught(FailThird));
        throw new AggregateException("outer pair", Caught(FailSecond), Caught(() => Raise(inner)));
    }

    internal static void AggregateEmpty()
    {
        throw new AggregateException("nothing inside");
    }

    static void Raise(Exception exception)
    {
        throw exception;
    }

    static Exception Caught(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception)
        {
            return exception;
        }
        return null;
    }
}

// Threads that wait for the locks of objects, and who has these. Each says so before it waits, on standard output:
// "waits THREAD ADDRESS TYPE OWNER", or "idle THREAD WHAT" where it waits for no lock.
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;

static class Locks
{
    [DllImport("libc")] static extern int gettid();

    // Can be pinned, and so has an address to tell.
    [StructLayout(LayoutKind.Sequential)]
    class Shelf
    {
        public int Number;

        [MethodImpl(MethodImplOptions.Synchronized)]
        public void Use() { Number++; }
    }

    [StructLayout(LayoutKind.Sequential)]
    class Drawer
    {
        public int Number;
    }

    static readonly Shelf Left = new Shelf(), Right = new Shelf(), Held = new Shelf(), Waited = new Shelf();
    static readonly Drawer Inner = new Drawer();
    static readonly byte[] Bytes = new byte[16];
    static readonly int[] Owners = new int[2];
    static readonly Barrier Both = new Barrier(2);

    static void Write(string text) { lock (Console.Out) { Console.Out.Write(text + "\n"); Console.Out.Flush(); } }

    static void Tell(object wanted, string type, int owner)
    {
        var address = GCHandle.Alloc(wanted, GCHandleType.Pinned).AddrOfPinnedObject().ToInt64();
        // What is given out is where its data begin: after the MethodTable, and in an array its length.
        address -= wanted is Array ? 16 : 8;
        Write("waits " + gettid() + " 0x" + address.ToString("x") + " " + type + " " + owner);
    }

    static void Cross(int side, Shelf own, Shelf other)
    {
        Owners[side] = gettid();
        lock (own)
        {
            Both.SignalAndWait();
            Tell(other, "Locks+Shelf", Owners[1 - side]);
            lock (other) { }
        }
    }

    internal static void Wait()
    {
        var owner = gettid();
        lock (Held)
        lock (Inner)
        lock (Bytes)
        {
            Throws.Start("locker", () => { Tell(Held, "Locks+Shelf", owner); lock (Held) { } });
            Throws.Start("second-locker", () => { Tell(Held, "Locks+Shelf", owner); lock (Held) { } });
            Throws.Start("synchronized", () => { Tell(Held, "Locks+Shelf", owner); Held.Use(); });
            Throws.Start("enterer", () => { Tell(Inner, "Locks+Drawer", owner); Monitor.Enter(Inner); });
            Throws.Start("trier", () => { Tell(Bytes, "System.Byte[]", owner); Monitor.TryEnter(Bytes, 600000); });
            Throws.Start("left", () => Cross(0, Left, Right));
            Throws.Start("right", () => Cross(1, Right, Left));
            Throws.Start("pulse-waiter", () => { Write("idle " + gettid() + " pulse"); lock (Waited) Monitor.Wait(Waited); });
            Throws.Start("sleeper", () => { Write("idle " + gettid() + " sleeper"); Thread.Sleep(600000); });
            Write("idle " + owner + " main");
            Thread.Sleep(300);
            Write("ready");
            Console.In.ReadLine();
        }
    }
}

// Kinds of methods: the names that a stack can have.
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Threading;

static class Shapes
{
    internal static void GenericOfReference()
    {
        var basket = new Shop.Basket<string>();
        basket.Fold("pear");
    }

    internal static void GenericOfValue()
    {
        var basket = new Shop.Basket<long>();
        basket.Fold(7);
    }

    internal static void GenericNested()
    {
        var line = new Shop.Basket<string>.Line<int>();
        line.Weigh("pear", 7);
    }

    internal static void GenericBase()
    {
        var crate = new Shop.Crate();
        crate.Fold(DateTime.MinValue);
    }

    internal static void GenericMethod()
    {
        Shop.Stall.Sell("pear");
    }

    internal static void GenericMethodOfValue()
    {
        Shop.Stall.Sell(new KeyValuePair<string, int>("pear", 7));
    }

    internal static void GenericMethodInGeneric()
    {
        new Shop.Basket<string>().Swap<Dictionary<int, string>, byte>(null, 1);
    }

    internal static void GenericStatic()
    {
        Shop.Basket<Version>.Empty();
    }

    internal static unsafe void ManyArguments()
    {
        var label = "pears";
        int weight;
        int number = 3;
        Pack(new[] { 1, 2 }, new int[1, 1], new string[1][], ref label, out weight, null, &number, null, 'x');
    }

    static unsafe void Pack(
        int[] sizes, int[,] table, string[][] names, ref string label, out int weight, int? discount,
        int* count, Dictionary<string, List<int>> stock, params object[] rest)
    {
        throw new InvalidOperationException("cannot pack " + label);
    }

    internal static void Overloads()
    {
        Price(1);
    }

    static void Price(int piece)
    {
        Price((double)piece);
    }

    static void Price(double weight)
    {
        Price(weight.ToString());
    }

    static void Price(string label)
    {
        throw new InvalidOperationException("no price for " + label);
    }

    internal static void PlainLambda()
    {
        Action lambda = () =>
        {
            throw new InvalidOperationException("in a lambda");
        };
        lambda();
    }

    internal static void CapturingLambda()
    {
        var fruit = "pear" + Environment.ProcessorCount;
        Func<int, string> lambda = number =>
        {
            if (number > 0)
                throw new InvalidOperationException(fruit.Substring(0, 4) + " in a lambda");
            return fruit;
        };
        lambda(1);
    }

    internal static void LambdaInGeneric()
    {
        new Shop.Basket<string>().FoldLater("pear");
    }

    // mcs has no local functions; roslyn-names.cs makes one of this.
    internal static void InLocalFunction()
    {
        InLocalFunction__g__Refuse("pear");
    }

    static void InLocalFunction__g__Refuse(string fruit)
    {
        throw new InvalidOperationException(fruit + " in a local function");
    }

    internal static void InIterator()
    {
        foreach (var number in Iterate(3))
            GC.KeepAlive(number);
    }

    static IEnumerable<int> Iterate(int count)
    {
        for (int i = 0; i < count; i++)
            yield return i;
        throw new InvalidOperationException("nothing left to iterate");
    }

    internal static void InGenericIterator()
    {
        foreach (var fruit in new Shop.Basket<string>().Contents("pear"))
            GC.KeepAlive(fruit);
    }

    internal static void InLinq()
    {
        var prices = new[] { 1, 2, 0 }
            .Where(price => price < 2)
            .Select(price => 10 / price)
            .ToList();
        GC.KeepAlive(prices);
    }

    // An iterator that another compiler has made.
    internal static void InLinqIterator()
    {
        var pairs = new[] { 1, 0 }.Zip(new[] { 4, 4 }, (a, b) => b / a);
        foreach (var quotient in pairs)
            GC.KeepAlive(quotient);
    }

    internal static void InComparison()
    {
        var fruits = new List<string> { "pear", "apple", "plum" };
        fruits.Sort(CompareFruits);
    }

    static int CompareFruits(string a, string b)
    {
        throw new NotSupportedException("apples and pears");
    }

    internal static void InLazy()
    {
        var lazy = new Lazy<string>(MakeLazily);
        GC.KeepAlive(lazy.Value);
    }

    static string MakeLazily()
    {
        throw new InvalidOperationException("too lazy");
    }

    internal static void ExplicitInterface()
    {
        Shop.IScale<int> scale = new Shop.KitchenScale();
        scale.Weigh(7);
    }

    internal static void StructMethod()
    {
        var money = new Shop.Money { Cents = 5 };
        money.Divide(0);
    }

    internal static void VirtualMethod()
    {
        Shop.Fruit fruit = new Shop.Pear();
        fruit.Peel();
    }

    internal static void InConstructor()
    {
        GC.KeepAlive(new Shop.Pear("green"));
    }

    internal static void InStaticConstructor()
    {
        Shop.Ledger.Open();
    }

    internal static void InProperty()
    {
        new Shop.Pear().Colour = "green";
    }

    internal static void InIndexer()
    {
        GC.KeepAlive(new Shop.Basket<string>()[3]);
    }

    internal static void InOperator()
    {
        var sum = new Shop.Money { Cents = 5 } + new Shop.Money { Cents = -6 };
        GC.KeepAlive(sum);
    }

    internal static void MulticastDelegate()
    {
        Action<string> all = FirstHandler;
        all += SecondHandler;
        all += FirstHandler;
        all("pear");
    }

    static void FirstHandler(string fruit)
    {
        GC.KeepAlive(fruit);
    }

    static void SecondHandler(string fruit)
    {
        throw new InvalidOperationException(fruit + " refused");
    }

    internal static void EventHandlers()
    {
        var bell = new Shop.Bell();
        bell.Rung += delegate(object sender, EventArgs details) { GC.KeepAlive(sender); };
        bell.Rung += delegate(object sender, EventArgs details)
        {
            throw new InvalidOperationException("nobody is home");
        };
        bell.Ring();
    }

    internal static void ByReflection()
    {
        var method = typeof(Shop.Pear).GetMethod("Peel");
        method.Invoke(new Shop.Pear(), new object[0]);
    }

    internal static void ByActivator()
    {
        Activator.CreateInstance(typeof(Shop.Pear), new object[] { "green" });
    }

    internal static void InDynamicMethod()
    {
        var method = new DynamicMethod("DivideDynamically", typeof(int), new[] { typeof(int), typeof(int) });
        var body = method.GetILGenerator();
        body.Emit(OpCodes.Ldarg_0);
        body.Emit(OpCodes.Ldarg_1);
        body.Emit(OpCodes.Div);
        body.Emit(OpCodes.Ret);
        var divide = (Func<int, int, int>)method.CreateDelegate(typeof(Func<int, int, int>));
        GC.KeepAlive(divide(1, 0));
    }

    // Calls on other lines than the one that throws, before and after it.
    internal static void ManyLines()
    {
        int zero = 0;
        zero += Add(1,
            Add(2, 3),
            4);
        zero = Add(
            zero,
            Add(
                zero,
                Refuse(zero)));
        GC.KeepAlive(zero);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Add(params int[] numbers) { return numbers.Sum(); }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Refuse(int number)
    {
        if (number == 0)
        {
            return 0;
        }

        throw new InvalidOperationException("refused " + number);
    }

    internal static void DeepRecursion()
    {
        Descend(200);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Descend(int levels)
    {
        if (levels == 0)
            throw new InvalidOperationException("at the bottom");
        return Descend(levels - 1) + 1;
    }

    // The assembly once more, with its PDB, from bytes: it has no path, and its PDB is nowhere but in memory.
    internal static void FromMemory()
    {
        string path = typeof(Shapes).Assembly.Location;
        string pdb = System.IO.Path.ChangeExtension(path, "pdb");
        var copy = System.IO.File.Exists(pdb)
            ? System.Reflection.Assembly.Load(System.IO.File.ReadAllBytes(path), System.IO.File.ReadAllBytes(pdb))
            : System.Reflection.Assembly.Load(System.IO.File.ReadAllBytes(path));
        var method = copy.GetType("Shapes").GetMethod(
            "LoadedFromBytes", System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static);
        ((Action)Delegate.CreateDelegate(typeof(Action), method))();
    }

    internal static void LoadedFromBytes()
    {
        throw new InvalidOperationException("from bytes");
    }

    // Called often enough to be compiled again, optimised: what throws then comes last in the code.
    internal static void HotMethods()
    {
        int sum = 0;
        for (int round = 0; round < 8; round++)
        {
            for (int i = 0; i < 2000; i++)
                sum += Simmer(i % 90);
            System.Threading.Thread.Sleep(60);
        }
        Simmer(sum > 0 ? 99 : 98);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Simmer(int degrees)
    {
        int heat = Stir(degrees) * 2;
        if (heat < 0)
            heat = Stir(-heat);
        GC.KeepAlive(heat);
        return heat + 1;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static int Stir(int degrees)
    {
        if (degrees > 95)
            throw new InvalidOperationException("boils over at " + degrees);
        int result = 0;
        for (int i = 0; i < 3; i++)
            result += degrees * i;
        return result;
    }

    internal static void InFinalizer()
    {
        MakeGarbage();
        GC.Collect();
        GC.WaitForPendingFinalizers();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    static void MakeGarbage()
    {
        GC.KeepAlive(new Shop.Unfinished());
    }
}

namespace Shop
{
    class Basket<T>
    {
        [MethodImpl(MethodImplOptions.NoInlining)]
        public virtual int Fold(T fruit)
        {
            throw new InvalidOperationException("cannot fold " + fruit);
        }

        public static void Empty()
        {
            throw new InvalidOperationException("nothing of " + typeof(T).Name);
        }

        public void Swap<A, B>(A first, B second)
        {
            throw new InvalidOperationException("cannot swap " + second);
        }

        public void FoldLater(T fruit)
        {
            Func<T, int> later = one =>
            {
                return Fold(one);
            };
            later(fruit);
        }

        public IEnumerable<T> Contents(T fruit)
        {
            yield return fruit;
            Fold(fruit);
        }

        public T this[int index]
        {
            get
            {
                throw new InvalidOperationException("no item " + index);
            }
        }

        public class Line<N>
        {
            public void Weigh(T fruit, N number)
            {
                throw new InvalidOperationException(number + " of " + fruit);
            }
        }
    }

    class Crate : Basket<DateTime>
    {
        public override int Fold(DateTime day)
        {
            return base.Fold(day) + 1;
        }
    }

    static class Stall
    {
        public static T Sell<T>(T item)
        {
            throw new InvalidOperationException("sold out: " + item);
        }
    }

    interface IScale<T>
    {
        void Weigh(T thing);
    }

    class KitchenScale : IScale<int>
    {
        void IScale<int>.Weigh(int thing)
        {
            throw new InvalidOperationException("too heavy: " + thing);
        }
    }

    struct Money
    {
        public int Cents;

        public int Divide(int people)
        {
            return Cents / people;
        }

        public static Money operator +(Money a, Money b)
        {
            if (a.Cents + b.Cents < 0)
                throw new InvalidOperationException("in debt");
            return new Money { Cents = a.Cents + b.Cents };
        }
    }

    abstract class Fruit
    {
        public abstract void Peel();
    }

    class Pear : Fruit
    {
        public Pear() { }

        public Pear(string colour)
        {
            Colour = colour;
        }

        public string Colour
        {
            get { return "yellow"; }
            set
            {
                throw new InvalidOperationException("no " + value + " pears");
            }
        }

        public override void Peel()
        {
            throw new InvalidOperationException("no knife");
        }
    }

    static class Ledger
    {
        static readonly int Balance;

        static Ledger()
        {
            Balance = Audit(0);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int Audit(int year)
        {
            throw new InvalidDataException("no records of year " + year);
        }

        [MethodImpl(MethodImplOptions.NoInlining)]
        public static int Open()
        {
            return Balance;
        }
    }

    class Bell
    {
        public event EventHandler Rung;

        public void Ring()
        {
            Rung(this, EventArgs.Empty);
        }
    }

    class Unfinished
    {
        ~Unfinished()
        {
            Throws.NoteThread();
            throw new InvalidOperationException("not done yet");
        }
    }
}

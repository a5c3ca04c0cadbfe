// An order book with a bug. A receiver takes orders in, two pricing workers compute what they cost, a
// ledger books them. Customers get a discount from a table, which everyone in it does: until, after about
// a second, an order arrives from a customer who is not in the table.
using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;

class Order
{
    public int Number;
    public string Customer;
    public int Pieces;
    public decimal Price;
}

class PricingException : Exception
{
    public PricingException(string message, Exception inner) : base(message, inner) { }
}

/// What each customer gets off the list price.
class DiscountTable
{
    readonly Dictionary<string, decimal> discounts = new Dictionary<string, decimal>
    {
        { "Anders & Sons", 0.05m }, { "Bakery Blum", 0.10m }, { "Café Central", 0.00m }, { "Delta Marine", 0.12m },
    };

    public ICollection<string> Customers { get { return discounts.Keys; } }

    // The bug: a customer who signed up today is not in here yet.
    public decimal For(string customer)
    {
        lock (discounts) return discounts[customer];
    }
}

class Pricing
{
    readonly DiscountTable discounts;

    public Pricing(DiscountTable discounts) { this.discounts = discounts; }

    public decimal PriceOf(Order order)
    {
        try
        {
            return Math.Round(ListPrice(order.Pieces) * (1 - discounts.For(order.Customer)), 2);
        }
        catch (KeyNotFoundException error)
        {
            throw new PricingException("cannot price order " + order.Number + " from " + order.Customer, error);
        }
    }

    // Bigger orders are cheaper by the piece; some honest arithmetic, so that there is work to see.
    static decimal ListPrice(int pieces)
    {
        double total = 0;
        for (int round = 0; round < 200000; round++)
            total += 19.90 * Math.Pow(0.97, round % pieces) / 200000 * pieces;
        return (decimal)total;
    }
}

class Shop
{
    const int OrderOfTheNewCustomer = 201;

    readonly BlockingCollection<Order> received = new BlockingCollection<Order>(16);
    readonly BlockingCollection<Order> priced = new BlockingCollection<Order>();
    readonly DiscountTable discounts = new DiscountTable();
    readonly ManualResetEvent closed = new ManualResetEvent(false);
    int inWork;

    static int Main()
    {
        new Shop().Run();
        return 0;
    }

    void Run()
    {
        Console.WriteLine("shop: open, " + discounts.Customers.Count + " customers have a discount");
        Start("receiver", Receive);
        Start("pricing-1", Price);
        Start("pricing-2", Price);
        Start("ledger", Book);
        closed.WaitOne();
    }

    static void Start(string name, ThreadStart body)
    {
        new Thread(body) { Name = name }.Start();
    }

    void Receive()
    {
        var customers = new List<string>(discounts.Customers);
        for (int number = 1; ; number++)
        {
            received.Add(new Order
            {
                Number = number,
                Customer = number == OrderOfTheNewCustomer ? "Emil's Garage" : customers[number % customers.Count],
                Pieces = 1 + number * 7 % 40,
            });
            Thread.Sleep(5);
        }
    }

    void Price()
    {
        var pricing = new Pricing(discounts);
        foreach (Order order in received.GetConsumingEnumerable())
            Handle(order, pricing);
    }

    void Handle(Order order, Pricing pricing)
    {
        Interlocked.Increment(ref inWork);
        try
        {
            order.Price = pricing.PriceOf(order);
            priced.Add(order);
        }
        finally
        {
            Interlocked.Decrement(ref inWork);
        }
    }

    void Book()
    {
        decimal total = 0;
        int orders = 0;
        foreach (Order order in priced.GetConsumingEnumerable())
        {
            total += order.Price;
            if (++orders % 50 == 0)
                Console.WriteLine("shop: " + orders + " orders booked for " + total + " EUR, " + inWork + " in work");
        }
    }
}

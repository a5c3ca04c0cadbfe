import TestSupport
import Testing

@testable import DotNet

/// Names without metadata: one table per rule.
@Suite struct ManagedNameTests {
  private static func list(_ types: String...) -> String {
    "[" + types.map { "[\($0), System.Private.CoreLib]" }.joined(separator: ",") + "]"
  }
  private static let canon = list("System.__Canon")
  private static let int = list("System.Int32")

  @Test(arguments: [
    ("Program.Main(System.String[])", "Program.Main"),
    ("Shop.Till.Open()", "Shop.Till.Open"),
    ("Shop.Till.Open(Int32[], System.String ByRef, Byte*, Int32[,][])", "Shop.Till.Open"),
    ("Shop.Till.Call(Void (Int32, Byte*))", "Shop.Till.Call"),
    ("Shop.Till.Open", "Shop.Till.Open"),
    ("Shop.Till+Drawer.Open()", "Shop.Till.Drawer.Open"),
    ("Shop.Till+Drawer+Slot.Open()", "Shop.Till.Drawer.Slot.Open"),
    ("Main()", "Main"),
    ("dynamicClass.Foo(System.Object)", "dynamicClass.Foo"),
    ("ILStubClass.IL_STUB_PInvoke(Int32)", "ILStubClass.IL_STUB_PInvoke"),
    ("DomainBoundILStubClass.IL_STUB_PInvoke()", "DomainBoundILStubClass.IL_STUB_PInvoke"),
  ])
  func parametersAreLeftOutAndNestedTypesHaveDots(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("Shop.Till..ctor(Int32)", "Shop.Till..ctor"),
    ("Shop.Till..cctor()", "Shop.Till..cctor"),
    ("Shop.Till+Drawer..ctor()", "Shop.Till.Drawer..ctor"),
    ("Shop.Basket`1\(canon)..ctor()", "Shop.Basket<…>..ctor"),
    ("Shop.Basket`1..ctor()", "Shop.Basket<…>..ctor"),
    ("Shop.Till.op_Addition(Shop.Till, Shop.Till)", "Shop.Till.op_Addition"),
    ("Shop.Till.get_Item(System.String)", "Shop.Till.get_Item"),
    ("Shop.Till.Shop.ICounter.Count()", "Shop.Till.Shop.ICounter.Count"),
    ("Shop.Till+Drawer.Shop.ICounter.Count()", "Shop.Till.Drawer.Shop.ICounter.Count"),
    (
      "Shop.Till.System.Collections.Generic.IEnumerable<System.Int32>.GetEnumerator()",
      "Shop.Till.System.Collections.Generic.IEnumerable<System.Int32>.GetEnumerator"
    ),
    ("Till.<Clone>$()", "Till.Clone"),
  ])
  func specialMethods(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    (
      "Shop.Basket`1\(canon).Fold\(int)(System.__Canon, Int32)", "Shop.Basket<…>.Fold<int>"
    ),
    ("Shop.Basket`1\(int).Fold\(canon)(Int32)", "Shop.Basket<int>.Fold<…>"),
    ("Shop.Basket`1.Fold()", "Shop.Basket<…>.Fold"),
    ("Shop.Basket`1[[]].Fold()", "Shop.Basket<…>.Fold"),
    (
      "Shop.Basket`1+Drawer`1\(list("System.__Canon", "System.Int32")).Open\(list("System.Double"))(Double)",
      "Shop.Basket<…>.Drawer<int>.Open<double>"
    ),
    ("Shop.Basket`1+Slot\(int).Open()", "Shop.Basket<int>.Slot.Open"),
    (
      "System.Collections.Generic.Dictionary`2\(list("System.__Canon", "System.Int64")).get_Item(System.__Canon)",
      "System.Collections.Generic.Dictionary<…, long>.get_Item"
    ),
    // The list is of another length than the types say: what belongs to whom is unknown.
    ("Shop.Basket`2\(int).Fold()", "Shop.Basket<…>.Fold"),
    ("Shop.Till.Open[T](T)", "Shop.Till.Open<T>"),
    (
      "Shop.Basket`1\(list("System.Byte[]")).Fold()", "Shop.Basket<byte[]>.Fold"
    ),
    ("Shop.Basket`1\(list("System.Int32[,][]")).Fold()", "Shop.Basket<int[,][]>.Fold"),
    ("Shop.Basket`1\(list("System.Byte*")).Fold()", "Shop.Basket<byte*>.Fold"),
    (
      "Shop.Basket`1\(list("System.Collections.Generic.List`1\(int)")).Fold()",
      "Shop.Basket<List<int>>.Fold"
    ),
    (
      "Shop.Basket`1\(list("System.Collections.Generic.List`1\(int)[]")).Fold()",
      "Shop.Basket<List<int>[]>.Fold"
    ),
    (
      "Shop.Basket`1\(list("Shop.Basket`1+Drawer`1\(list("System.String", "System.Object"))")).Fold()",
      "Shop.Basket<Basket<string>.Drawer<object>>.Fold"
    ),
    ("Shop.Basket`1\(list("Shop.Till")).Fold()", "Shop.Basket<Till>.Fold"),
    ("Shop.Wide\\,Name.Open()", "Shop.Wide,Name.Open"),
    ("Shop.Plus\\+Name.Open()", "Shop.Plus+Name.Open"),
  ])
  func typeArguments(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("Program+<>c.<Main>b__0_0()", "Program.Main+lambda"),
    ("Program+<>c__DisplayClass3_0.<Run>b__1(Int32)", "Program.Run+lambda"),
    ("Program+<>c__DisplayClass3_0`1\(canon).<Run>b__1(Int32)", "Program.Run+lambda"),
    ("Program+<>c__3`1\(canon).<Run>b__3_0(Int32)", "Program.Run+lambda"),
    ("Shop.Basket`1+<>c\(int).<Fold>b__0_0(Int32)", "Shop.Basket<int>.Fold+lambda"),
    ("Program+<>c.<.ctor>b__0_0()", "Program..ctor+lambda"),
    ("Program+<>c.<Shop.ICounter.Count>b__0_0()", "Program.Shop.ICounter.Count+lambda"),
    ("Program+<>c.<<Main>$>b__0_0()", "Program.Main+lambda"),
    ("Program+<>c__DisplayClass0_0+<>c__DisplayClass0_1.<Main>b__2()", "Program.Main+lambda"),
    ("Shop.Till.<Open>b__3_0()", "Shop.Till.Open+lambda"),
    // mcs.
    ("Program.<Main>m__0()", "Program.Main+lambda"),
    ("Program.<Main>m__A()", "Program.Main+lambda"),
    ("Program+<Main>c__AnonStorey0.<>m__0()", "Program.Main+lambda"),
    ("<Main>c__AnonStorey0.<>m__0()", "Main+lambda"),
    (
      "Shop.Lines+<Nesting>c__AnonStorey5+<Nesting>c__AnonStorey6.<>m__0()",
      "Shop.Lines.Nesting+lambda"
    ),
    (
      "Shop.Basket`1+<Fold>c__AnonStorey2`1\(list("System.Int32", "System.__Canon")).<>m__0()",
      "Shop.Basket<int>.Fold+lambda"
    ),
  ])
  func lambdas(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("Program.<Main>g__Local|0_1(Int32)", "Program.Main+Local"),
    ("Program.<Main>g__Local|0_1\(int)(Int32)", "Program.Main+Local"),
    ("Program+<>c__DisplayClass0_0.<Main>g__Local|1()", "Program.Main+Local"),
    ("Program.<<Main>$>g__Helper|0_0()", "Program.Main+Helper"),
    ("Shop.Basket`1\(int).<Fold>g__Step|2_0()", "Shop.Basket<int>.Fold+Step"),
  ])
  func localFunctions(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("Program+<FetchAsync>d__11.MoveNext()", "async Program.FetchAsync"),
    ("Program+<FetchAsync>c__async0.MoveNext()", "async Program.FetchAsync"),
    ("Program+<Fetch>c__async0.MoveNext()", "async Program.Fetch"),
    ("Program+<Main>d__0.MoveNext()", "async Program.Main"),
    ("Program+<<Main>$>d__0.MoveNext()", "async Program.Main"),
    ("Program+<>c+<<Main>b__0_0>d.MoveNext()", "async Program.Main+lambda"),
    ("Program+<>c__DisplayClass1_0+<<Run>b__0>d.MoveNext()", "async Program.Run+lambda"),
    ("Program+<<Main>g__SendAsync|0_0>d.MoveNext()", "async Program.Main+SendAsync"),
    (
      "Shop.Basket`1+<FetchAsync>d__3`1\(list("System.Int32", "System.__Canon")).MoveNext()",
      "async Shop.Basket<int>.FetchAsync"
    ),
    (
      "Shop.Lines+<Nested>c__async1+<Nested>c__AnonStorey4+<Nested>c__async3.MoveNext()",
      "async Shop.Lines.Nested+lambda"
    ),
    (
      "Program+<FetchAsync>d__11.SetStateMachine(IAsyncStateMachine)",
      "Program.FetchAsync+SetStateMachine"
    ),
    // A program's own entry point around an asynchronous Main.
    ("Program.<Main>(System.String[])", "Program.Main"),
    ("Program.<Main>$(System.String[])", "Program.Main"),
  ])
  func asynchronousMethods(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("Program+<Iterate>d__3.MoveNext()", "Program.Iterate+MoveNext"),
    ("Program+<Iterate>c__Iterator0.MoveNext()", "Program.Iterate+MoveNext"),
    ("Shop.Basket`1+<Fold>d__3\(canon).MoveNext()", "Shop.Basket<…>.Fold+MoveNext"),
    ("Program+<Iterate>d__3.<>m__Finally1()", "Program.Iterate+<>m__Finally1"),
    (
      "Program+<Iterate>d__3.System.IDisposable.Dispose()",
      "Program.Iterate+System.IDisposable.Dispose"
    ),
    // mcs calls the iterators of properties nothing.
    ("Program+<>c__Iterator0.MoveNext()", "Program.<>c__Iterator0.MoveNext"),
  ])
  func iterators(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("<Program>F0123456789ABCDEF__Till.Open()", "Till.Open"),
    ("Shop.<Program>F0123456789ABCDEF__Till.Open()", "Shop.Till.Open"),
    ("Shop.<Program>F0123456789ABCDEF__Till`1\(int).Open()", "Shop.Till<int>.Open"),
    ("Shop.<Program>F0123456789ABCDEF__Till+<>c.<Open>b__0_0()", "Shop.Till.Open+lambda"),
    // Not quite.
    ("Shop.<Program>FXYZ__Till.Open()", "Shop.<Program>FXYZ__Till.Open"),
    ("Shop.<Program>F12_Till.Open()", "Shop.<Program>F12_Till.Open"),
  ])
  func typesOfOneFile(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    ("Program+<>c..cctor()", "Program.<>c..cctor"),
    ("Program+<>c__DisplayClass3_0..ctor()", "Program.<>c__DisplayClass3_0..ctor"),
    (
      "<PrivateImplementationDetails>.ComputeStringHash(System.String)",
      "<PrivateImplementationDetails>.ComputeStringHash"
    ),
    (
      "<>f__AnonymousType0`2\(list("System.Int32", "System.__Canon")).ToString()",
      "<>f__AnonymousType0<int, …>.ToString"
    ),
    ("<Module>..cctor()", "<Module>..cctor"),
    ("Program.<Main>x__0()", "Program.<Main>x__0"),
    ("Program.<Main>b__zz()", "Program.<Main>b__zz"),
    ("Program.<>n__0()", "Program.<>n__0"),
  ])
  func whatIsNoKnownPatternStays(_ raw: String, _ name: String) {
    #expect(ManagedName.spoken(raw) == name)
  }

  @Test(arguments: [
    "", "(", ")", "()", ".", "+", "<", ">", "a)", "x.y)", "a]", "[[]]", "+.a", "a+", "a+b",
    "<a.b", "a>.b<", "a\\", "`1", "Shop.Basket`1[[System.Int32", "a[b]c()", "x.()",
  ])
  func hostileNamesComeOutAsTheyAre(_ raw: String) {
    #expect(ManagedName.spoken(raw) == raw)
  }

  @Test func longNamesEndInAnEllipsis() {
    for text in ["x", "ü", "😀"] {
      let long = "Shop." + String(repeating: text, count: 5000)
      for raw in [long, long + "()", "Shop.B`1[[\(long)]].M()"] {
        let name = ManagedName.spoken(raw)
        #expect(name.utf8.count <= ManagedName.limit && name.utf8.count > ManagedName.limit - 8)
        #expect(name.hasSuffix(text + "…"))
      }
    }
  }

  /// What unfolds, nests or repeats must cost no more than its length.
  @Test(.timeLimit(.minutes(5))) func deepNamesAreQuick() {
    let half = 4000
    for (open, close) in [
      ("<", ">"), ("[", "]"), ("(", ")"), ("A`1[[", "]]"), ("[[", "]]"), ("<>c+", ""),
    ] {
      let count = half / max(open.utf8.count, 1)
      let deep = String(repeating: open, count: count) + String(repeating: close, count: count)
      for raw in [deep, "A." + deep, "A`1" + deep + ".M", "A`1[[\(deep)]].M()", deep + ".M()"] {
        #expect(ManagedName.spoken(raw).utf8.count <= raw.utf8.count + 8)
      }
    }
    for text in [".", "+", "`1", "`1.", "a.", "a,", "[],", "\\"] {
      let raw = String(repeating: text, count: 8000 / text.utf8.count)
      _ = ManagedName.spoken("A`1[[\(raw)]].M()")
      #expect(ManagedName.spoken(raw).utf8.count <= ManagedName.limit)
    }
  }
}

import Testing

@testable import DotNet

@Suite struct PlumbingTests {
  private static let canon = "[[System.__Canon, System.Private.CoreLib]]"

  @Test(arguments: [
    "ILStubClass.IL_STUB_PInvoke(Int32)",
    "DomainBoundILStubClass.IL_STUB_PInvoke()",
    "DomainBoundILStubClass.IL_STUB_ReversePInvoke(IntPtr)",
    "dynamicClass.IL_STUB_UnboxingStub()",
  ])
  func stubs(_ raw: String) { #expect(ManagedName.isPlumbing(raw)) }

  @Test(arguments: [
    "System.Runtime.CompilerServices.AsyncMethodBuilderCore.Start\(canon)(System.__Canon ByRef)",
    "System.Runtime.CompilerServices.AsyncTaskMethodBuilder.Start\(canon)(System.__Canon ByRef)",
    "System.Runtime.CompilerServices.AsyncTaskMethodBuilder`1+AsyncStateMachineBox`1[[System.Threading.Tasks.VoidTaskResult, System.Private.CoreLib],[System.__Canon, System.Private.CoreLib]].MoveNext(System.Threading.Thread)",
    "System.Runtime.CompilerServices.AsyncTaskMethodBuilder`1+AsyncStateMachineBox`1[[System.Threading.Tasks.VoidTaskResult, System.Private.CoreLib],[System.__Canon, System.Private.CoreLib]].ExecutionContextCallback(System.Object)",
    "System.Runtime.CompilerServices.AsyncVoidMethodBuilder.Start\(canon)(System.__Canon ByRef)",
    "System.Runtime.CompilerServices.TaskAwaiter.ThrowForNonSuccess(System.Threading.Tasks.Task)",
    "System.Runtime.CompilerServices.TaskAwaiter`1\(canon).GetResult()",
    "System.Runtime.CompilerServices.TaskAwaiter+<>c.<OutputWaitEtwEvents>b__12_0(System.Action, System.Threading.Tasks.Task)",
    "System.Runtime.CompilerServices.YieldAwaitable+YieldAwaiter+<>c.<System.Runtime.CompilerServices.IStateMachineBoxAwareAwaiter.AwaitUnsafeOnCompleted>b__6_0(System.Object)",
    "System.Threading.Tasks.Task.RunContinuations(System.Object)",
    "System.Threading.Tasks.Task.FinishContinuations()",
    "System.Threading.Tasks.Task.ExecuteEntryUnsafe(System.Threading.Thread)",
    "System.Threading.Tasks.Task.ExecuteWithThreadLocal(System.Threading.Tasks.Task ByRef, System.Threading.Thread)",
    "System.Threading.Tasks.Task.InnerInvoke()",
    "System.Threading.Tasks.Task`1\(canon).InnerInvoke()",
    "System.Threading.Tasks.Task`1\(canon).TrySetResult(System.__Canon)",
    "System.Threading.Tasks.Task+<>c.<.cctor>b__281_0(System.Object)",
    "System.Threading.Tasks.Task+DelayPromise.TimerCallback(System.Object)",
    "System.Threading.Tasks.AwaitTaskContinuation.RunOrScheduleAction(System.Action, Boolean)",
    "System.Threading.Tasks.ThreadPoolTaskScheduler.TryExecuteTaskInline(System.Threading.Tasks.Task, Boolean)",
  ])
  func continuations(_ raw: String) { #expect(ManagedName.isPlumbing(raw)) }

  @Test(arguments: [
    "System.Threading.ExecutionContext.Run(System.Threading.ExecutionContext, System.Threading.ContextCallback, System.Object)",
    "System.Threading.ExecutionContext.RunInternal(System.Threading.ExecutionContext, System.Threading.ContextCallback, System.Object)",
    "System.Threading.ExecutionContext.RunFromThreadPoolDispatchLoop(System.Threading.Thread, System.Threading.ExecutionContext, System.Threading.ContextCallback, System.Object)",
    "System.Threading.Thread.StartCallback()",
    "System.Threading.Thread+StartHelper.RunWorker()",
    "System.Threading.Thread+StartHelper.Callback(System.Object)",
    "System.Threading.ThreadHelper.ThreadStart()",
    "System.Threading.ThreadHelper.ThreadStart_Context(System.Object)",
    "System.Threading.ThreadPoolWorkQueue.Dispatch()",
    "System.Threading.PortableThreadPool+WorkerThread.WorkerThreadStart()",
    "System.Threading._ThreadPoolWaitCallback.PerformWaitCallback()",
    "System.Threading.QueueUserWorkItemCallback.Execute()",
    "System.Threading.QueueUserWorkItemCallback+<>c.<.cctor>b__6_0(System.Threading.QueueUserWorkItemCallback)",
    "System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw()",
    "System.Runtime.CompilerServices.RuntimeHelpers.DispatchTailCalls(IntPtr, IntPtr, IntPtr)",
    "System.Runtime.EH.DispatchEx(System.Runtime.StackFrameIterator ByRef, ExInfo ByRef)",
  ])
  func dispatch(_ raw: String) { #expect(ManagedName.isPlumbing(raw)) }

  /// They say what the thread does, or are somebody's own.
  @Test(arguments: [
    "System.Threading.Monitor.Wait(System.Object, Int32)",
    "System.Threading.Monitor.Enter(System.Object)",
    "System.Threading.Thread.Sleep(Int32)",
    "System.Threading.Thread.Join()",
    "System.Threading.Thread.Start()",
    "System.Threading.Tasks.Task.Wait()",
    "System.Threading.Tasks.Task.InternalWaitCore(Int32, System.Threading.CancellationToken)",
    "System.Threading.Tasks.Task.SpinThenBlockingWait(Int32, System.Threading.CancellationToken)",
    "System.Threading.Tasks.Task.WaitAll(System.Threading.Tasks.Task[])",
    "System.Threading.Tasks.Task`1\(canon).get_Result()",
    "System.Threading.Tasks.Task.Run(System.Action)",
    "System.Threading.Tasks.TaskCompletionSource`1\(canon).SetResult(System.__Canon)",
    "System.Threading.Tasks.Parallel.For(Int32, Int32, System.Action`1[[System.Int32, System.Private.CoreLib]])",
    "System.Threading.ManualResetEventSlim.Wait(Int32, System.Threading.CancellationToken)",
    "System.Threading.LowLevelLifoSemaphore.WaitForSignal(Int32)",
    "System.Threading.ThreadPool.QueueUserWorkItem(System.Threading.WaitCallback)",
    "System.Threading.ThreadPoolWorkQueue.Enqueue(System.Object, Boolean)",
    "System.Threading.ExecutionContext.Capture()",
    "System.IO.FileStream.Read(Byte[], Int32, Int32)",
    "System.Collections.Generic.Dictionary`2[[System.__Canon, X],[System.Int32, X]].get_Item(System.__Canon)",
    "System.Environment.FailFast(System.String)",
    "System.Environment.Exit(Int32)",
    "System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(System.RuntimeTypeHandle)",
    "System.Runtime.CompilerServices.CastHelpers.ChkCastAny(Void*, System.Object)",
    "System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(System.Exception)",
    "System.Runtime.CompilerServices.TaskAwaiterOfMine.GetResult()",
    "Program.Main(System.String[])",
    "Shop.System.Threading.ThreadPoolWorkQueue.Dispatch()",
    "Shop.Till.IL_STUB_PInvoke()",
    "Program+<FetchAsync>d__11.MoveNext()",
    "", "(", "System.", "System.Threading.ExecutionContext",
    "System.Threading.ExecutionContext.Run(",
  ])
  func whatAThreadDoesIsNone(_ raw: String) { #expect(!ManagedName.isPlumbing(raw)) }

  /// A misspelled row would never match: each must be in one of the core libraries that we have.
  @Test func theTablesNameWhatThereIs() throws {
    // Of .NET 9 and later.
    let newer: Set<String> = ["System.Runtime.EH", "System.Environment.CallEntryPoint"]
    var types: Set<String> = []
    var methods: Set<String> = []
    for library in [Lab.Library.core8, .core3] {
      for line in try library.members where line.hasPrefix("06") {
        let words = line.dropFirst(9).split(separator: " ")
        let chain = words[0].split(separator: "/").map { part in
          String(part.prefix { $0 != "`" && ($0 != "<" || part.hasPrefix("<")) })
        }.joined(separator: "+")
        types.insert(chain)
        methods.insert(chain + "." + words[1])
      }
    }
    for type in ManagedName.plumbingTypes where !newer.contains(type) {
      let isThere = types.contains(type)
      #expect(isThere, "\(type)")
    }
    for (type, names) in ManagedName.plumbingMethods {
      for name in names where !newer.contains("\(type).\(name)") {
        let wanted = "\(type).\(name)"
        let isThere =
          name.hasSuffix("*")
          ? methods.contains { $0.hasPrefix(wanted.dropLast()) }
          : methods.contains { $0.prefix { $0 != "<" || name.hasPrefix("<") } == wanted }
        #expect(isThere, "\(wanted)")
      }
    }
  }
}

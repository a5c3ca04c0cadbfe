/// The runtime's own dispatch: frames between two that a developer wrote, or below the first.
///
/// What a thread waits for, reads or computes is never plumbing (Monitor.Wait, Task.Wait, Thread.Sleep,
/// Dictionary.get_Item): it says what the thread does. Most of what is here the runtime keeps out of its
/// own stack traces (StackTraceHidden, since .NET 5).
extension ManagedName {
  /// - Parameter raw: as for `spoken`.
  public static func isPlumbing(_ raw: String) -> Bool {
    guard raw.utf8.count <= rawLimit, let parts = RawName(raw) else { return false }
    let type = parts.types.map(\.name).joined(separator: "+")
    if parts.method.hasPrefix("IL_STUB_"), stubClasses.contains(type) { return true }
    guard type.hasPrefix("System.") else { return false }
    if plumbingTypes.contains(where: { type == $0 || type.hasPrefix($0 + "+") }) { return true }
    return plumbingMethods[type]?.contains { pattern in
      pattern.last == "*"
        ? parts.method.hasPrefix(pattern.dropLast()) : parts.method == pattern
    } ?? false
  }

  /// Where the runtime puts the code that it generates for P/Invoke, delegates and COM.
  private static let stubClasses: Set<String> = [
    "DomainBoundILStubClass", "ILStubClass", "dynamicClass",
  ]

  /// With all that is nested in them.
  static let plumbingTypes: [String] = [
    "System.Runtime.CompilerServices.AsyncMethodBuilderCore",
    "System.Runtime.CompilerServices.AsyncTaskMethodBuilder",
    "System.Runtime.CompilerServices.AsyncVoidMethodBuilder",
    "System.Runtime.CompilerServices.AsyncValueTaskMethodBuilder",
    "System.Runtime.CompilerServices.AsyncIteratorMethodBuilder",
    "System.Runtime.CompilerServices.PoolingAsyncValueTaskMethodBuilder",
    "System.Runtime.CompilerServices.TaskAwaiter",
    "System.Runtime.CompilerServices.ValueTaskAwaiter",
    "System.Runtime.CompilerServices.ConfiguredTaskAwaitable",
    "System.Runtime.CompilerServices.ConfiguredValueTaskAwaitable",
    "System.Runtime.CompilerServices.ConfiguredCancelableAsyncEnumerable",
    "System.Runtime.CompilerServices.YieldAwaitable",
    "System.Threading.Tasks.TaskContinuation",
    "System.Threading.Tasks.ContinueWithTaskContinuation",
    "System.Threading.Tasks.StandardTaskContinuation",
    "System.Threading.Tasks.AwaitTaskContinuation",
    "System.Threading.Tasks.SynchronizationContextAwaitTaskContinuation",
    "System.Threading.Tasks.TaskSchedulerAwaitTaskContinuation",
    "System.Threading.Tasks.ContinuationTaskFromTask",
    "System.Threading.Tasks.ContinuationTaskFromResultTask",
    "System.Threading.Tasks.ContinuationResultTaskFromTask",
    "System.Threading.Tasks.ContinuationResultTaskFromResultTask",
    "System.Threading.Tasks.CompletionActionInvoker",
    "System.Threading.Tasks.UnwrapPromise",
    "System.Threading.Tasks.ThreadPoolTaskScheduler",
    "System.Threading.Thread+StartHelper",
    "System.Threading.ThreadHelper",
    "System.Threading.PortableThreadPool+WorkerThread",
    "System.Threading._ThreadPoolWaitCallback",
    "System.Threading.QueueUserWorkItemCallback",
    "System.Threading.QueueUserWorkItemCallbackDefaultContext",
    "System.ThrowHelper",
    // How .NET 9 and later throw: managed code of the runtime's.
    "System.Runtime.EH",
  ]

  /// Of types that also have what developers call. `*` stands for any ending.
  static let plumbingMethods: [String: [String]] = [
    "System.Threading.Tasks.Task": [
      "ExecuteEntry*", "ExecuteFromThreadPool", "ExecuteWithThreadLocal", "InnerInvoke",
      "Finish", "FinishSlow", "FinishStageTwo", "FinishStageThree", "FinishContinuations",
      "RunContinuations", "TrySetResult",
    ],
    "System.Threading.Tasks.Task+<>c": ["<.cctor>b__*"],
    "System.Threading.Tasks.Task+DelayPromise": ["*"],
    "System.Threading.Tasks.Task+WhenAllPromise": ["Invoke"],
    "System.Threading.Tasks.TaskScheduler": ["TryRunInline"],
    "System.Threading.Tasks.Sources.ManualResetValueTaskSourceCore": [
      "SignalCompletion", "InvokeContinuation",
    ],
    "System.Threading.ExecutionContext": ["Run*"],
    "System.Threading.Thread": ["StartCallback", "StartCore"],
    "System.Threading.ThreadPoolWorkQueue": ["Dispatch*"],
    "System.Runtime.ExceptionServices.ExceptionDispatchInfo": ["Throw"],
    "System.Runtime.CompilerServices.RuntimeHelpers": ["DispatchTailCalls"],
    "System.Environment": ["CallEntryPoint"],
  ]
}

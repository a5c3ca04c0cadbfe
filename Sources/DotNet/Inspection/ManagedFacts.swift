/// A thread that the runtime knows.
public struct ManagedThread: Sendable, Equatable {
  /// A record that the runtime's own native code keeps on the stack while managed code has called it.
  public struct NativeCall: Sendable, Equatable {
    /// Where it lies on the stack: in the frame of the native function.
    public var address: UInt64
    /// The MethodDesc of the method that the native function implements.
    public var method: UInt64

    public init(address: UInt64, method: UInt64) {
      self.address = address
      self.method = method
    }
  }

  /// The kernel's thread id.
  public var id: Int32
  /// `Thread.ManagedThreadId`.
  public var managedID: Int
  /// The type (the address of its MethodTable) of the exception that it deals with, or was the last to
  /// throw; 0 without one. Its name can be had later: types stay.
  public var exceptionTable: UInt64 = 0
  /// Innermost first.
  public var nativeCalls: [NativeCall] = []
  /// False where the innermost of its records is certainly not one of Monitor.Enter. Not every one is a call.
  public var mayEnterMonitor = false
  /// True when there was no time to look for `nativeCalls`.
  public var isCutShort = false

  public init(id: Int32, managedID: Int) {
    self.id = id
    self.managedID = managedID
  }
}

/// An exception object and those inside it, as the runtime's heap has them.
public struct ExceptionFacts: Sendable, Equatable {
  /// One entry of the stack trace that the runtime gathered while the exception passed.
  public struct Entry: Sendable, Equatable {
    /// Where to look the method and its line up: inside the calling instruction.
    public var lookupAddress: UInt64
    /// The return address, or where the fault was.
    public var ip: UInt64
    public var sp: UInt64
    /// The address of the method's MethodDesc: code that was thrown away since is still named by it.
    public var method: UInt64

    public init(lookupAddress: UInt64, ip: UInt64, sp: UInt64, method: UInt64) {
      self.lookupAddress = lookupAddress
      self.ip = ip
      self.sp = sp
      self.method = method
    }
  }

  /// `System.InvalidOperationException`.
  public var type: String
  /// What its `Message` property would say.
  public var message: String
  /// UTF-16 units of the message that are left out at its end.
  public var messageLeftOut = 0
  public var hresult: UInt32
  public var entries: [Entry] = []
  /// Entries of the stack trace that are left out in its middle.
  public var entriesLeftOut = 0
  /// A stack trace that was handed on as text, from where the exception was made or first thrown: it comes
  /// before `entries` (`_remoteStackTraceString`, ExceptionDispatchInfo.SetCurrentStackTrace).
  public var earlierTrace = ""
  /// The inner exception; all of them, in order, in an AggregateException.
  public var inner: [ExceptionFacts] = []
  /// True when there are more inner ones than were followed.
  public var isCutShort = false

  public init(type: String, message: String, hresult: UInt32) {
    self.type = type
    self.message = message
    self.hresult = hresult
  }
}

/// A call of Environment.FailFast.
public struct FailFastFacts: Sendable, Equatable {
  /// What it was told to say; nil when it was told nothing, or that could not be read.
  public var message: String?
  /// UTF-16 units of the message that are left out at its end.
  public var messageLeftOut = 0
  /// The exception that it was given.
  public var exception: ExceptionFacts?

  public init() {}
}

/// An object whose lock is held while threads wait for it.
public struct ContendedMonitor: Sendable, Equatable {
  public var object: UInt64
  /// The address of its SyncBlock, of which the lock is the first part (vm/syncblk.h).
  public var syncBlock: UInt64
  /// The address of the object's MethodTable; 0 where it could not be read.
  public var type: UInt64
  /// The kernel's id of the thread that holds it; 0 where that is not known.
  public var owner: Int32

  public init(object: UInt64, syncBlock: UInt64, type: UInt64, owner: Int32) {
    self.object = object
    self.syncBlock = syncBlock
    self.type = type
    self.owner = owner
  }
}

public struct ContendedMonitors: Sendable, Equatable {
  public var monitors: [ContendedMonitor] = []
  /// True when there may be more: there were too many to look at, or no time.
  public var isCutShort = false

  public init() {}
}

/// Whose code an address is.
public struct ManagedMethod: Sendable, Equatable {
  public enum Kind: UInt64, Sendable {
    /// A method of an assembly.
    case method
    /// A method that the runtime made up: marshalling code, `DynamicMethod`.
    case dynamic
    /// A stub or a helper: no method at all.
    case stub
  }

  public var kind: Kind
  /// As the DAC spells it, with parameters: `Shop.Basket`1[[System.__Canon, …]].Fold(System.__Canon)`.
  public var name: String
  /// Where the method's code starts; 0 for stubs.
  public var start: UInt64 = 0
  /// The address of its MethodDesc.
  public var method: UInt64 = 0
  /// The address of its Module: see ``ManagedModule``.
  public var module: UInt64 = 0
  /// Its metadata token; 0 where it has none.
  public var token: UInt32 = 0
  public var ilOffset: Int?

  public init(kind: Kind, name: String) {
    self.kind = kind
    self.name = name
  }
}

/// An assembly's module as the runtime has loaded it.
public struct ManagedModule: Sendable, Equatable {
  /// The path of its file; empty for one that was loaded from memory or made at run time.
  public var path = ""
  /// 16 bytes as they lie in the file.
  public var mvid: [UInt8] = []
  public var isDynamic = false
  /// The PE image in the target's memory; 0 where unknown.
  public var image: UInt64 = 0
  public var imageSize: UInt64 = 0
  /// The metadata in the target's memory.
  public var metadata: UInt64 = 0
  public var metadataSize: UInt64 = 0
  /// The PDB that was handed to the runtime together with an assembly from memory; size 0 without one.
  public var pdb: UInt64 = 0
  public var pdbSize: UInt64 = 0

  public init() {}
}

import Capture
import Glibc

// The collector's roles:
//   crash --pid PID --dumps user|none --createdump PATH -- ARGV…   started by the shim
//   capture --pid PID [--output FILE|-] [--max-freeze MS] [--timeout S] [--no-managed] [--no-symbols]
//           [--no-lines]
//   createdump -- ARGS…                                            createdump's own command line
// Arguments are read by hand: this is the crash path, and it has to start within milliseconds.

let signals = SignalState.takeOver()
Inheritance.putDescriptorsInOrder()
exit(CollectorCommand.run(Array(CommandLine.arguments.dropFirst()), signals: signals))

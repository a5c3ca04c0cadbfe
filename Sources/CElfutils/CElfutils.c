// SwiftPM wants one source file; the module is its header.

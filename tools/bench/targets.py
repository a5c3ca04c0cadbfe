"""The programs that only the bench needs, and running ones to measure."""
import mmap
import os
import resource
import struct
import subprocess
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
NATIVE = os.path.join(HERE, "..", "..", "Tests", "Fixtures", "native")
# Units of the large programs that are called: each stands on the stack with its own code and DWARF.
CALLED = 50


class Builds:
    """Builds into a folder what is older than its sources."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def __call__(self, name, *sources, flags=()):
        product = f"{self.folder}/{name}"
        paths = [f"{HERE}/{source}" for source in sources]
        if is_older(product, paths + [f"{NATIVE}/fixture.h", __file__]):
            self.cc(["-O1", "-g", "-pthread", *flags, "-o", product, *paths])
        return product

    def cc(self, arguments):
        run(["cc", "-D_GNU_SOURCE", f"-I{NATIVE}", *arguments])

    def large(self, name, units):
        """A C++ program of so many units with some 2 MB of debug information each.

        One object is compiled. Copies of it that are called get a symbol of their own; all others are the
        same file, linked again and again: the linker takes the first `unit` and keeps everybody's code
        and DWARF, which thus describes addresses of its own. lld without string merging (-O0) puts 2 GB
        together in seconds.
        """
        product = f"{self.folder}/{name}"
        if not is_older(product, [f"{HERE}/unit.cpp", f"{HERE}/units.c", __file__]):
            return product
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            unit = f"{scratch}/unit.o"
            run(["c++", "-O2", "-g", "-std=c++17", "-c", f"{HERE}/unit.cpp", "-o", unit])
            called = []
            for index in range(CALLED):
                called.append(f"{scratch}/unit_{index}.o")
                run(["objcopy", "--redefine-sym", f"unit=unit_{index}", unit, called[-1]])
            with open(f"{scratch}/table.c", "w") as file:
                names = [f"unit_{index}" for index in range(CALLED)]
                file.writelines(f"int {name}(int);\n" for name in names)
                file.write(f"int (*const units[])(int) = {{{', '.join(names)}}};\n"
                           f"const int unit_count = {CALLED};\n")
            for source in (f"{HERE}/units.c", f"{scratch}/table.c"):
                called.insert(0, f"{scratch}/{os.path.basename(source)}.o")
                self.cc(["-O1", "-g", "-c", source, "-o", called[0]])
            with open(f"{scratch}/objects", "w") as file:
                file.write("\n".join(called + [unit] * (units - CALLED)))
            run(["c++", "-fuse-ld=lld", "-Wl,-z,muldefs", "-Wl,-O0", f"@{scratch}/objects",
                 "-o", f"{product}.partial"])
        os.rename(f"{product}.partial", product)
        return product


def is_older(product, sources):
    return not os.path.exists(product) or any(
        os.path.getmtime(source) > os.path.getmtime(product) for source in sources)


def run(command):
    subprocess.run(command, check=True)


class Watch:
    """What the threads of watch.so (Tests/Fixtures/native/watch.c) see from inside a program."""

    def __init__(self, path):
        with open(path, "r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 72)
        self.round = 0

    def _get(self, watcher, field):
        return struct.unpack_from("Q", self.memory, 8 + 32 * watcher + 8 * field)[0]

    def _want(self, value):
        struct.pack_into("Q", self.memory, 0, value)
        deadline = time.monotonic() + 10
        while any(self._get(watcher, 0) != value for watcher in (0, 1)):
            if time.monotonic() > deadline:
                raise RuntimeError("the watchers in the target do not answer")
            time.sleep(0.0002)

    def during(self, action):
        """The longest that the program stood still while `action` ran, in milliseconds, and its result."""
        self.round += 1
        self._want(self.round)
        result = action()
        # A step is counted at its end: the first look after it.
        time.sleep(0.001)
        longest = max(self._get(watcher, 1) for watcher in (0, 1)) / 1e6
        self._want(0)
        return longest, result

    @property
    def has_priority(self):
        return all(self._get(watcher, 3) for watcher in (0, 1))


class Target:
    """A program that has said that it is ready, with watchers in it; it ends with its standard input."""

    def __init__(self, command, native, env=(), stack=None, ready=b"ready"):
        self.command, self.native, self.env = command, native, env
        self.stack, self.ready = stack, ready
        self.start()

    def start(self):
        self.scratch = tempfile.TemporaryDirectory()
        watched = f"{self.scratch.name}/watch"
        env = dict(os.environ, LD_PRELOAD=f"{self.native}/watch.so", WATCH_FILE=watched,
                   FIXTURE_SECONDS="1800", **dict(self.env))

        def limits():
            resource.setrlimit(resource.RLIMIT_STACK, (self.stack, self.stack))

        self.child = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env,
            preexec_fn=limits if self.stack else None)
        if self.ready not in self.child.stdout.readline():
            raise RuntimeError(f"{self.command} did not start")
        self.pid = self.child.pid
        self.watch = Watch(watched)

    def restart(self):
        """After a tool that was killed: it may have left the target stopped."""
        self.end()
        self.start()

    def end(self):
        self.child.kill()
        self.child.wait()
        self.child.stdin.close()
        self.child.stdout.close()
        self.scratch.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

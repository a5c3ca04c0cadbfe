"""The tools that are compared: how each is called, and how many frames its output has.

"frames" are what a debugger counts, inlined calls among them where the tool unfolds them; "named" have a
function, "lines" a source line. What our report folds or leaves out of a deep recursion is counted as what
it says that it stands for.
"""
import json
import os
import re

# Our own rows.
EVERYTHING, NAMES_ONLY = "inquest", "inquest --no-lines"


class Tool:
    is_ours = False
    # Gives source lines and inlined calls too: compared with a report that has them.
    gives_lines = False

    def __init__(self, name, words, is_slow=False):
        """is_slow: known to take many seconds, so that its time and its pause come from the same runs."""
        self.name, self.words, self.is_slow = name, words, is_slow

    def command(self, pid, output):
        return [word.format(pid=pid, output=output) for word in self.words]

    def output(self, path):
        with open(path, errors="replace") as file:
            return file.read()


class Inquest(Tool):
    """The collector by itself, as a crash starts it; `inquest capture` adds its own start."""

    is_ours = True

    def __init__(self, collector, name=EVERYTHING, options=()):
        super().__init__(
            name, [collector, "capture", "--pid", "{pid}", "--output", "{output}.json", *options])

    def output(self, path):
        with open(f"{path}.json") as file:
            return file.read()

    def count(self, text):
        report = json.loads(text)
        frames = named = lines = 0
        for thread in report["threads"]:
            listed = thread.get("handler_frames", []) + thread["frames"]
            frames += thread["frame_count"] + len(thread.get("handler_frames", []))
            inlined = [frame for frame in listed if frame["kind"] == "inlined"]
            frames += len(inlined)
            for index, frame in enumerate(listed):
                fold = frame.get("repeated")
                group = listed[index:index + fold["frames"]] if fold else []
                again = fold["times"] - 1 if fold else 0
                named += ("function" in frame) + again * sum("function" in one for one in group)
                lines += ("line" in frame) + again * sum("line" in one for one in group)
        return {"frames": frames, "named": named, "lines": lines,
                "frozen_ms": report["report"]["timing"].get("frozen_ms"),
                "complete": report["report"]["complete"]}


class EUStack(Tool):
    def __init__(self, options="", is_slow=False):
        words = ["eu-stack", "-n", "0", *options.split(), "-p", "{pid}"]
        super().__init__(" ".join(["eu-stack", *options.split()]), words, is_slow)
        self.gives_lines = "-s" in options.split()

    def count(self, text):
        # "#3  0x00007f… - 1 name", and with -s a line "    /path/file.c:12:3" below it.
        found = re.findall(r"^#\d+ +0x[0-9a-f]+(?: - 1)?(.*)$", text, re.MULTILINE)
        return {"frames": len(found), "named": sum(bool(rest.strip()) for rest in found),
                "lines": len(re.findall(r"^ +\S.*:\d+(?::\d+)?$", text, re.MULTILINE))}


class GDB(Tool):
    gives_lines = True

    def __init__(self, is_slow=False):
        super().__init__("gdb bt", [
            "gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-p", "{pid}",
            "-ex", "thread apply all bt"], is_slow)

    def count(self, text):
        found = re.findall(r"^#\d+ +(.*)$", text, re.MULTILINE)
        return {"frames": len(found), "named": sum("?? ()" not in rest for rest in found),
                "lines": sum(bool(re.search(r"\) at \S+:\d+$", rest)) for rest in found)}


class CreateDump(Tool):
    """The runtime's own tool, which writes a report and no dump."""

    def __init__(self, runtime):
        super().__init__("createdump, report only", [
            f"{runtime}/createdump", "--crashreportonly", "--name", "{output}", "{pid}"])

    def output(self, path):
        with open(f"{path}.crashreport.json") as file:
            return file.read()

    def count(self, text):
        threads = json.loads(text)["payload"]["threads"]
        frames = [frame for thread in threads for frame in thread["stack_frames"]]
        named = [frame for frame in frames if frame.get("method_name") or frame.get("unmanaged_name")]
        return {"frames": len(frames), "named": len(named), "lines": 0}


def ours(bench):
    """Everything, and with names only; the same thing as long as the collector knows no lines."""
    everything = Inquest(bench.collector)
    if not has_lines(bench):
        return [everything]
    return [everything, Inquest(bench.collector, NAMES_ONLY, ["--no-lines"])]


def has_lines(bench):
    """Whether this collector can be told to leave lines out: it refuses arguments that it does not know."""
    usage = 64
    nobody = str(2**31 - 1)
    status = bench.once([bench.collector, "capture", "--pid", nobody, "--no-lines"])[2]
    return os.waitstatus_to_exitcode(status) != usage

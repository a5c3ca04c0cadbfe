# What gdb sees of every thread, as JSON:
#
#   gdb -nx -batch -p PID -x gdb-frames.py
#
# One line {"frames": {thread id: [frame, innermost first]}}; a frame has pc, kind (gdb's own word), raw
# (the function's name as the linker has it), name (as gdb prints it), file and line, as far as known.
import json
import re

import gdb

KINDS = {
    gdb.NORMAL_FRAME: "normal",
    gdb.DUMMY_FRAME: "dummy",
    gdb.INLINE_FRAME: "inlined",
    gdb.TAILCALL_FRAME: "tail_call",
    gdb.SIGTRAMP_FRAME: "signal",
    gdb.ARCH_FRAME: "arch",
    gdb.SENTINEL_FRAME: "sentinel",
}


def look_up(frame):
    # A return address may be the next function's.
    below = frame.newer()
    while below is not None and below.type() in (gdb.INLINE_FRAME, gdb.TAILCALL_FRAME):
        below = below.newer()
    is_call = below is not None and below.type() == gdb.NORMAL_FRAME
    return frame.pc() - 1 if is_call and frame.type() != gdb.SIGTRAMP_FRAME else frame.pc()


def describe(frame):
    facts = {"pc": frame.pc(), "kind": KINDS[frame.type()]}
    gdb.execute("set print demangle off")
    facts["raw"] = frame.name()
    gdb.execute("set print demangle on")
    facts["name"] = frame.name()
    function = frame.function()
    if function is None:
        found = re.match(r".* \+ (\d+) in section", gdb.execute(f"info symbol {look_up(frame)}", to_string=True))
        if frame.name() is not None:
            facts["start"] = look_up(frame) - (int(found.group(1)) if found else 0)
    elif frame.type() != gdb.INLINE_FRAME:
        facts["start"] = int(function.value().address)
    place = frame.find_sal()
    if place.symtab is not None and place.line > 0:
        facts["file"] = place.symtab.filename
        facts["line"] = place.line
    return facts


def stack():
    frames = []
    frame = gdb.newest_frame()
    try:
        while frame is not None and len(frames) < 5000:
            frames.append(describe(frame))
            frame = frame.older()
    except gdb.error:
        # An unreadable stack: what there is so far is what gdb shows, too.
        pass
    return frames


gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
threads = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    threads[thread.ptid[1]] = stack()
print(json.dumps({"frames": threads}))

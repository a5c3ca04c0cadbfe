"""Rows as text: for a terminal, and as Markdown for the README."""


def milliseconds(value):
    return "–" if value is None else f"{value:,.2f} ms" if value < 1000 else f"{value:,.0f} ms"


def times(value):
    return "–" if value is None else f"×{value:.2f}" if value >= 0.1 else f"×{value:.2g}"


def number(value):
    return "–" if value is None else f"{value:,}"


def peak(row):
    if row.get("peak_mb") is None:
        return "–"
    together = f" ({row['peak_all_mb']:.0f})" if "peak_all_mb" in row else ""
    return f"{row['peak_mb']:.0f}{together} MB"


COLUMNS = [
    ("tool", lambda row: row["tool"] + ("" if row.get("exit_status", 0) == 0 else " (failed)"), -26),
    ("wall", lambda row: row.get("note") or milliseconds(row.get("wall_ms")), 12),
    ("ours/its", lambda row: times(row.get("wall_ratio")), 9),
    ("pause", lambda row: milliseconds(row.get("pause_ms")), 11),
    ("idle", lambda row: milliseconds(row.get("idle_ms")), 9),
    ("busy", lambda row: milliseconds(row.get("busy_ms")), 9),
    ("peak", peak, 15),
    ("frames", lambda row: number(row.get("frames")), 10),
    ("named", lambda row: number(row.get("named")), 10),
    ("lines", lambda row: number(row.get("lines")), 10),
]

LEGEND = """\
wall: median, the tools taken in turn; ours/its: inquest's wall over the tool's; pause: the longest that a
thread of the target stood still, seen by two threads in it that look at the clock every 0.1 ms (median);
idle, busy: what they see for as long with nobody attached, and with every processor taken; peak: the largest
process of the tool (the peaks of all its processes together). {watchers}"""


def pad(text, width):
    return text.ljust(-width) if width < 0 else text.rjust(width)


def scenario(rows):
    """A table of one scenario's rows."""
    lines = [rows[0]["scenario"]]
    if rows[0]["scenario"] == "startup":
        for row in rows:
            lines.append(f"  {row['what']:50} {row['ours_ms']:8.2f} ms {row['theirs_ms']:8.2f} ms "
                         f"{times(row['ratio']):>9}")
    elif "points" in rows[0]:
        return "\n".join(slope(row) for row in rows)
    else:
        lines.append("  " + "".join(pad(title, width) for title, _, width in COLUMNS))
        for row in rows:
            lines.append("  " + "".join(pad(cell(row), width) for _, cell, width in COLUMNS))
    return "\n".join(lines)


def slope(row):
    points = row["points"]
    lines = [f"{row['scenario']}, {row['tool']}: the upper half of the range costs "
             f"{times(row['wall_growth'])} of the lower a piece (pause {times(row['pause_growth'])})"]
    for index, point in enumerate(points):
        step = "" if index == 0 else (
            f"   each further {row['wall_us'][index - 1]:9.3f} µs, pause {row['pause_us'][index - 1]:8.3f} µs")
        lines.append(f"  {point['count']:>9,} {milliseconds(point['wall_ms']):>12} pause "
                     f"{milliseconds(point['pause_ms']):>10} {point['peak_mb']:6.0f} MB{step}")
    return "\n".join(lines)


def claims(found):
    return "\n".join(["claims"] + [
        f"  {'holds ' if claim['holds'] else 'FAILS '} {claim['measured']:>9} (wanted {claim['wanted']})  "
        f"{claim['claim']}" for claim in found])


BEGIN, END = "<!-- bench: this and all up to the next mark is written by make bench -->", "<!-- /bench -->"


def put_into(path, result):
    """Replaces what lies between the marks in a file."""
    with open(path) as file:
        text = file.read()
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    with open(path, "w") as file:
        file.write(f"{before}{BEGIN}\n{markdown(result)}\n{END}{after}")


def markdown(result):
    lines = [f"On {result['machine']}, {result['date']}, commit {result['commit']}:", "",
             "| | " + " | ".join(title for title, _, _ in COLUMNS) + " |",
             "|---|---" + "|--:" * (len(COLUMNS) - 1) + "|"]
    last = None
    for row in result["rows"]:
        if row["scenario"] == "startup" or "points" in row:
            continue
        first = row["scenario"] if row["scenario"] != last else ""
        last = row["scenario"]
        lines.append(f"| {first} | " + " | ".join(cell(row) for _, cell, _ in COLUMNS) + " |")
    lines += ["", *LEGEND.format(watchers=result["watchers"]).splitlines()]
    pairs = [row for row in result["rows"] if row["scenario"] == "startup"]
    if pairs:
        lines += ["", "| what is paid without a crash | with | without | ratio |", "|---|--:|--:|--:|"]
        lines += [f"| {row['what']} | {milliseconds(row['ours_ms'])} | {milliseconds(row['theirs_ms'])} | "
                  f"{times(row['ratio'])} |" for row in pairs]
    grown = [row for row in result["rows"] if "points" in row]
    if grown:
        lines += ["", "```", *"\n".join(slope(row) for row in grown).splitlines(), "```"]
    if result["claims"]:
        lines += ["", "```", *claims(result["claims"]).splitlines(), "```"]
    return "\n".join(lines)

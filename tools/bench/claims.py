"""What is promised of Inquest, checked against the rows of one run."""
from measure import ratio
from tools import EVERYTHING, NAMES_ONLY


def check(rows):
    """A list of {claim, measured, wanted, holds}; only those whose scenarios were run."""
    # As long as the collector has no lines, all that it does is names.
    lines = any(row.get("tool") == NAMES_ONLY for row in rows)
    names = NAMES_ONLY if lines else EVERYTHING
    claims = []

    def find(scenario, tool):
        for row in rows:
            if row["scenario"].startswith(scenario) and row.get("tool") == tool:
                return row
        return {}

    def at_most(claim, limit, scenario, mine, theirs, column="wall_ms"):
        one, other = find(scenario, mine).get(column), find(scenario, theirs).get(column)
        if one is not None and other is not None:
            claims.append({"claim": claim, "measured": round(ratio(one, other), 3), "wanted": f"≤ {limit}",
                           "holds": one <= limit * other})

    mine, gdb = find("64 threads", names), find("64 threads", "gdb bt")
    if mine and gdb.get("pause_ms"):
        times = gdb["pause_ms"] / mine["pause_ms"]
        noise = max(mine["idle_ms"], mine["busy_ms"])
        claims.append({
            "claim": f"64 × 50: the target stands still 200 times shorter than under gdb, or within "
                     f"the machine's noise ({noise} ms)",
            "measured": round(times, 1), "wanted": "≥ 200",
            "holds": times >= 200 or mine["pause_ms"] <= noise})
    at_most("64 × 50, names: half of eu-stack's time", 0.5, "64 threads", names, "eu-stack")
    if lines:
        at_most("64 × 50, lines and inlined calls: a quarter of eu-stack -i -s's time", 0.25,
                "64 threads", EVERYTHING, "eu-stack -i -s")
    at_most("3,000 threads, names: a tenth of eu-stack's time", 0.1, "3,000 threads", names, "eu-stack")
    at_most("100,000 frames: half of eu-stack -q's time", 0.5, "100,000", names, "eu-stack -q")
    at_most("a .NET crash delays death by half of createdump's report", 0.5, "death", EVERYTHING,
            "createdump, report only")
    at_most("a .NET crash: peak memory below createdump's", 1, "death", EVERYTHING,
            "createdump, report only", "peak_mb")
    for row in rows:
        if row["scenario"].startswith("cost per") and row["tool"] == names and row["wall_growth"]:
            claims.append({
                "claim": f"{row['scenario']}: no more in the upper half of the range than in the lower, "
                         "within the noise of 1.7", "measured": row["wall_growth"], "wanted": "≤ 1.7",
                "holds": row["wall_growth"] <= 1.7})
    return claims

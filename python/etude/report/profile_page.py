# SPDX-License-Identifier: Apache-2.0
"""The page of a program's profile: functions, a flame graph, and the source with cycles and stalls beside each line."""

import json
from collections import Counter, defaultdict
from html import escape
from pathlib import Path
from string import Template

from etude.report.html import section, table, tall
from etude.result import UserError, share, write_text

HERE = Path(__file__).parent
COLOURS = ("#e8833a", "#d9a12c", "#c85c3c", "#e0995e", "#b9722d")
ROW, WIDTH, NARROWEST = 19, 1090, 0.4  # pixels: height of a frame, of the graph, frames below are left out


def load_profile(folder: Path) -> tuple[dict, str]:
    """profile.json and stacks.txt of a folder that `etude-sim elf --profile` wrote. Errors: UserError."""
    try:
        profile = json.loads((folder / "profile.json").read_text(encoding="utf-8"))
        stacks = (folder / "stacks.txt").read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: no whole profile ({error}); run etude-sim elf --profile again") from None
    if not isinstance(profile, dict) or profile.get("schema") != 1:
        raise UserError(f"{folder}/profile.json: of another version; run etude-sim elf --profile again")
    return profile, stacks


def stalls_text(stalls: dict, cycles: int) -> str:
    largest = sorted(stalls.items(), key=lambda item: -item[1])[:3]
    return ", ".join(f"{escape(name)} {100 * share(n, cycles):.1f} %" for name, n in largest) or "–"


def flame_graph(stacks: str) -> str:
    """Chains of calls as nested bars, all cores together; the width is cycles."""
    cycles: Counter = Counter()
    for line in stacks.splitlines():
        chain, number = line.rsplit(" ", 1)
        frames = tuple(chain.split(";")[1:])  # the first one is the core
        for depth in range(len(frames) + 1):
            cycles[frames[:depth]] += int(number)
    total = cycles[()]
    children = defaultdict(list)
    for frames in sorted(cycles):
        if frames:
            children[frames[:-1]].append(frames)
    marks, deepest, todo = [], 0, [((), 0.0)]
    while todo:
        frames, left = todo.pop()
        width = WIDTH * share(cycles[frames], total)
        if width < NARROWEST:
            continue
        deepest = max(deepest, len(frames))
        name = frames[-1] if frames else "all cores"
        words = f"{name}: {cycles[frames]:,} cycles, {100 * share(cycles[frames], total):.1f} %"
        shown = escape(name[: int(width / 7)]) if width > 20 else ""
        colour = COLOURS[sum(map(ord, name)) % len(COLOURS)]
        marks.append(
            f'<g><title>{escape(words)}</title><rect x="{left:.2f}" y="{ROW * len(frames)}" width="{width:.2f}" '
            f'height="{ROW - 1}" fill="{colour}"/><text x="{left + 3:.2f}" y="{ROW * len(frames) + 13}" '
            f'font-size="11">{shown}</text></g>'
        )
        for child in children[frames]:
            todo.append((child, left))
            left += WIDTH * share(cycles[child], total)
    height = ROW * (deepest + 1)
    return f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">{"".join(marks)}</svg>'


def sources(profile: dict, root: Path) -> list[str]:
    """A section for each source file, most cycles first; files that are not found have their lines alone."""
    lines: dict = defaultdict(lambda: defaultdict(lambda: [0, 0, Counter()]))
    for row in profile["lines"]:
        cost = lines[row["file"]][row["line"]]
        cost[0] += row["cycles"]
        cost[1] += row["busy"]
        cost[2].update(row["stalls"])
    total = profile["cycles"] * len(profile["harts"])
    out = []
    for file, costs in sorted(lines.items(), key=lambda item: (-sum(c[0] for c in item[1].values()), item[0])):
        try:
            text = (root / file).read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            text = []
        numbers = range(1, len(text) + 1) if text else sorted(costs)
        rows = []
        for number in numbers:
            cycles, busy, stalls = costs.get(number, (0, 0, {}))
            code = f"<code>{escape(text[number - 1])}</code>" if text else ""
            code = code.replace("  ", "&nbsp; ")
            cells = [f"{cycles:,}", f"{100 * share(cycles, total):.2f} %", f"{busy:,}", stalls_text(stalls, cycles)]
            rows.append([str(number), *(cells if cycles else [""] * 4), code])
        whole = sum(c[0] for c in costs.values())
        words = f"{whole:,} cycles, {100 * share(whole, total):.1f} %" + ("" if text else "; the file is not here")
        head = ["line", "cycles", "of all", "instructions", "largest stalls", "source"]
        out.append(section(file, words, tall(table(head, rows, {0, 1, 2, 3})), wide=True))
    return out


def write_profile_page(folder: Path) -> Path:
    """Writes report.html into the folder of a profile; source files are looked for from the current folder."""
    profile, stacks = load_profile(folder)
    total = profile["cycles"] * len(profile["harts"])

    def rows(entries: list[dict], *names: str) -> list[list[str]]:
        return [
            [escape(entry["name"])]
            + [f"{entry[name]:,}" for name in (*names, "cycles")]
            + [f"{100 * share(entry['cycles'], total):.2f} %", f"{share(entry['busy'], entry['cycles']):.2f}"]
            + [stalls_text(entry["stalls"], entry["cycles"])]
            for entry in entries
        ]

    head = ["cycles", "of all", "IPC", "largest stalls"]
    body = [section("Calls", "Width is cycles, of all cores together.", flame_graph(stacks), wide=True)]
    functions = table(["function", *head], rows(profile["functions"]), {1, 2, 3})
    body.append(section("Functions", "Without what they call.", tall(functions), wide=True))
    if profile["regions"]:
        regions = table(["region", "passes", *head], rows(profile["regions"], "passes"), {1, 2, 3, 4})
        body.append(section("Regions", "With what they call.", regions, wide=True))
    body += sources(profile, Path.cwd())
    page = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        title=escape(profile["program"]),
        css=(HERE / "page.css").read_text(encoding="utf-8"),
        machine=f"{profile['cycles']:,} cycles on {len(profile['harts'])} cores",
        body="\n".join(body),
        footer="Lines, functions and chains of calls add up to the cycles of all cores.",
        script="",
    )
    file = folder / "report.html"
    write_text(file, page)
    return file

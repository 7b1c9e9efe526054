"""Draw the maps against MicroPython's own dict and deque: python -m bench.plot [FILE.svg].

`make bench` runs it at its end, into build/bench/speed.svg; `make pictures` draws the one in docs/ that is committed. From
build/bench/qemu.json, whose ticks are the same on every computer; without it from unix.json, this computer's clock.
"""

import json
import sys
from html import escape
from pathlib import Path

from bench.report import FOLDER, Row

PICTURE = FOLDER / "speed.svg"
SOURCES = {
    "qemu": "On a Cortex-M3 (QEMU, exact ticks)",
    "unix": "On the unix port (64-bit, wall clock)",
}
TIMES = ("ticks", "ns", "us", "µs")
# What the name of a row about the kernels of stock firmware ends in: with native modules, and those that stand in for them
STOCK = (", native", ", viper")
WIDTH, TOP, BAR = 760, 62, 13  # pixels
LEFT, RIGHT = 210, 570  # between these lie the bars; names before, ratios behind

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .small { font-size: 11px; fill: #59636e } .ratio { font-weight: 600 }
.map { fill: #0969da } .viper { fill: #80b6ee } .peer { fill: #afb8c1 } .reach { stroke: #bc4c00; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .map { fill: #4493f8 } .viper { fill: #2c5f9e } .peer { fill: #57606a }
  .reach { stroke: #f0883e }
}"""


def comparisons(name: str) -> list[Row]:
    """Return the rows of build/bench/NAME.json that say how many times faster than its peer something is."""
    file = FOLDER / f"{name}.json"
    rows = [Row(**row) for row in json.loads(file.read_text())] if file.exists() else []
    return [
        row
        for row in rows
        if row.unit in TIMES
        and row.peer
        and row.ratio
        and not row.reach.startswith("<")
        and row.peer not in ("none", "new map")
    ]


def draw(title: str, rows: list[Row]) -> str:
    """Return the SVG: for each operation the map's bars and its peer's, shorter is faster; a mark where the map's may end."""
    sorts = [{row.name.removesuffix(end): row for row in rows if row.name.endswith(end)} for end in STOCK]
    compiled = sorts[0] or sorts[1]
    rows = [row for row in rows if not row.name.endswith(STOCK)]
    step = 40 + (BAR if compiled else 0)
    height = TOP + step * len(rows) + 4
    longest = max(max(map_value(row), peer_value(row)) for row in [*rows, *compiled.values()])
    scale = (RIGHT - LEFT) / longest
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<!-- made by: python -m bench.plot --><title>{escape(title)}: the maps' operations against their peers</title>",
        f"<style>{STYLE}\n</style>",
        text(0, 18, title, "title"),
        text(0, 38, f"{rows[0].unit} an operation, shorter is faster", "small"),
    ]
    legend = [("map", "boardmaps, built in" if compiled else "boardmaps"), ("peer", "with what MicroPython has")]
    if compiled:
        legend.insert(1, ("viper", "on stock firmware"))
    x = LEFT
    for style, meaning in legend:
        lines.append(rect(x, 28, 12, style) + text(x + 18, 38, meaning, "small"))
        x += 32 + 6 * len(meaning)
    if any(row.reach for row in rows):
        lines.append(mark(x, 28) + text(x + 8, 38, "the reach", "small"))
    for number, row in enumerate(rows):
        y = TOP + step * number
        reach = peer_value(row) / float(row.reach.split()[1]) if row.reach else 0
        bars = [("map", map_value(row), max(map_value(row), reach)), ("peer", peer_value(row), peer_value(row))]
        if row.name in compiled:
            bars.insert(1, ("viper", map_value(compiled[row.name]), map_value(compiled[row.name])))
        lines += [text(0, y + BAR - 1, row.name), text(0, y + 2 * BAR - 1, f"against {row.peer}", "small")]
        for place, (style, value, end) in enumerate(bars):
            top = y + place * BAR
            lines += [
                rect(LEFT, top, value * scale, style),
                text(LEFT + end * scale + 5, top + BAR - 2, f"{value:,.4g}", "small"),
            ]
        lines.append(text(WIDTH - 140, y + BAR + 4, f"{row.ratio:.2f} times as fast", "ratio"))
        if row.name in compiled:
            lines.append(
                text(WIDTH - 140, y + 2 * BAR + 4, f"{compiled[row.name].ratio:.2f} on stock firmware", "small")
            )
        if reach:
            lines.append(mark(LEFT + reach * scale, y))
    return "\n".join([*lines, "</svg>"]) + "\n"


def map_value(row: Row) -> float:
    """Return what the map took; a row of comparisons() has a value."""
    return row.value or 0


def peer_value(row: Row) -> float:
    """Return what the peer took: the ratio says how many times more than the map."""
    return map_value(row) * (row.ratio or 0)


def text(x: float, y: float, content: str, style: str = "name") -> str:
    """Return a line of text that begins at x and stands on y."""
    return f'<text class="{style}" x="{x:.0f}" y="{y}">{escape(content)}</text>'


def rect(x: float, y: float, width: float, style: str) -> str:
    """Return a bar."""
    return f'<rect class="{style}" x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 2}" rx="2"/>'


def mark(x: float, y: float) -> str:
    """Return the mark of a reach: an upright line over a bar."""
    return f'<path class="reach" d="M{x:.1f} {y - 2}v{BAR + 2}"/>'


def main(picture: Path) -> None:
    """Draw from the first source that is there."""
    for name, title in SOURCES.items():
        if rows := comparisons(name):
            picture.write_text(draw(title, rows))
            print(f"drew {picture} from {FOLDER / name}.json")
            return
    raise SystemExit(f"no measurements in {FOLDER}. Make them: make bench")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else PICTURE)

"""Draw docs/speed.svg, the maps against MicroPython's own dict and deque: python bench/plot.py, which `make bench` runs at its end.

From build/bench/qemu.json, whose ticks are the same on every computer; without it from unix.json, this computer's clock.
"""

import json
from html import escape
from pathlib import Path

from report import FOLDER, Row

PICTURE = Path(__file__).parents[1] / "docs" / "speed.svg"
SOURCES = {
    "qemu": "On a Cortex-M3 (QEMU, exact ticks)",
    "unix": "On the unix port (64-bit, wall clock)",
}
TIMES = ("ticks", "ns", "us", "µs")
WIDTH, TOP, STEP, BAR = 760, 62, 40, 13  # pixels
LEFT, RIGHT = 210, 570  # between these lie the bars; names before, ratios behind

STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 } .small { font-size: 11px; fill: #59636e } .ratio { font-weight: 600 }
.map { fill: #0969da } .peer { fill: #afb8c1 } .reach { stroke: #bc4c00; stroke-width: 2 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .small { fill: #9198a1 } .map { fill: #4493f8 } .peer { fill: #57606a } .reach { stroke: #f0883e }
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
    """Return the SVG: two bars a row, the map's and its peer's, shorter is faster; a mark where the map's bar may end."""
    height = TOP + STEP * len(rows) + 4
    longest = max(max(row.value, peer_value(row)) for row in rows)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
        f"<!-- made by: python bench/plot.py --><title>{escape(title)}: the maps' operations against their peers</title>",
        f"<style>{STYLE}\n</style>",
        text(0, 18, title, "title"),
        text(0, 38, f"{rows[0].unit} an operation, shorter is faster", "small"),
        rect(LEFT, 28, 12, "map") + text(LEFT + 18, 38, "boardmaps", "small"),
        rect(LEFT + 92, 28, 12, "peer") + text(LEFT + 110, 38, "the same with what MicroPython has", "small"),
    ]
    if any(row.reach for row in rows):
        lines.append(mark(LEFT + 330, 28) + text(LEFT + 338, 38, "the reach", "small"))
    for number, row in enumerate(rows):
        y, scale = TOP + STEP * number, (RIGHT - LEFT) / longest
        reach = peer_value(row) / float(row.reach.split()[1]) if row.reach else 0
        lines += [
            text(0, y + BAR - 1, row.name),
            text(0, y + 2 * BAR - 1, f"against {row.peer}", "small"),
            rect(LEFT, y, row.value * scale, "map"),
            text(LEFT + max(row.value, reach) * scale + 5, y + BAR - 2, f"{row.value:,.4g}", "small"),
            rect(LEFT, y + BAR, peer_value(row) * scale, "peer"),
            text(LEFT + peer_value(row) * scale + 5, y + 2 * BAR - 2, f"{peer_value(row):,.4g}", "small"),
            text(WIDTH - 140, y + BAR + 4, f"{row.ratio:.2f} times as fast", "ratio"),
        ]
        if reach:
            lines.append(mark(LEFT + reach * scale, y))
    return "\n".join([*lines, "</svg>"]) + "\n"


def peer_value(row: Row) -> float:
    """Return what the peer took: the ratio says how many times more than the map."""
    return row.value * (row.ratio or 0)


def text(x: float, y: float, content: str, style: str = "name") -> str:
    """Return a line of text that begins at x and stands on y."""
    return f'<text class="{style}" x="{x:.0f}" y="{y}">{escape(content)}</text>'


def rect(x: float, y: float, width: float, style: str) -> str:
    """Return a bar."""
    return f'<rect class="{style}" x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 2}" rx="2"/>'


def mark(x: float, y: float) -> str:
    """Return the mark of a reach: an upright line over a bar."""
    return f'<path class="reach" d="M{x:.1f} {y - 2}v{BAR + 2}"/>'


def main() -> None:
    """Draw from the first source that is there."""
    for name, title in SOURCES.items():
        if rows := comparisons(name):
            PICTURE.write_text(draw(title, rows))
            print(f"drew {PICTURE} from {FOLDER / name}.json")
            return
    raise SystemExit(f"no measurements in {FOLDER}. Make them: make bench")


if __name__ == "__main__":
    main()

"""What is shown below the table, one at a time: a plot, the board's console, its pool as a picture, the board itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.text import Text

from boardmaps.schema import Field
from boardmaps_host.live.about import About
from boardmaps_host.live.chart import COLOURS, Track, chart, short, sparkline
from boardmaps_host.live.monitor import Monitor
from boardmaps_host.live.tables import Row, Table
from boardmaps_host.terminal import harmless, one_line

_SPARK = 20  # characters of a counter's pace


@dataclass(frozen=True)
class Plotted:
    """A cell, or of a ring or a series a field of all that is in it, whose numbers are plotted."""

    name: str
    key: bytes
    cpu: int
    field: Field

    def label(self, table: Table | None) -> str:
        """Return what it is called below the plot."""
        key = f" {table.key_text(self.key)}" if table is not None and table.keyed else ""
        unit = f" {self.field.unit}" if self.field.unit else ""
        return f"{self.name}{key} {self.field.name}{unit}"


def track_of(monitor: Monitor, one: Plotted) -> tuple[Table | None, list[tuple[float, float]]]:
    """Return the table of what is plotted, and its numbers by time: seconds, or where the board tells one, its own."""
    shown = monitor.find(one.name)
    if shown is None:
        return None, []
    table = shown.table
    if table.keyed:
        row = table.find(one.key, one.cpu)
        return table, table.track(row, one.field) if row is not None else []
    numbers = ((float(row.number), table.number(one.field, row.data)) for row in table.rows)
    return table, [(at, number) for at, number in numbers if number is not None]


def plot(monitor: Monitor, plotted: Sequence[Plotted], width: int, height: int) -> Text:
    """Return the plot, with a line below that says which is which."""
    tracks: list[Track] = []
    labels = Text(no_wrap=True, overflow="ellipsis")
    own_time = False
    for index, one in enumerate(plotted):
        table, track = track_of(monitor, one)
        own_time |= table is not None and not table.keyed
        tracks.append(track)
        last = f" {short(track[-1][1])}" if track else ""
        labels.append(f" ━ {one_line(one.label(table))}{last}", style=COLOURS[index % len(COLOURS)])
    text = Text(no_wrap=True)
    times = [at for track in tracks for at, _ in track]
    marks: tuple[str, str] = ("", "")
    if times:
        marks = (short(min(times)), short(max(times))) if own_time else (f"{min(times) - max(times):.0f} s", "now")
    for line in chart(tracks, width, max(2, height - 1), marks):
        for part, track_number in line:
            style = "dim" if track_number is None else COLOURS[track_number % len(COLOURS)]
            text.append(part, style=style)
        text.append("\n")
    return text + labels


def console(monitor: Monitor, width: int, height: int) -> Text:
    """Return the last lines that the board has printed."""
    lines = [one_line(line)[:width] for line in list(monitor.console)[-height:]]
    return Text("\n".join(lines) or "the board has printed nothing since the view was opened", no_wrap=True)


def pool(monitor: Monitor, width: int, height: int) -> Text:
    """Return the pool as a picture, and below which map is where."""
    total, used, allocations = monitor.pool
    if not total:
        return Text("this board has no pool: its maps lie on the computer's heap")
    rows = 2
    cells = width * rows
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{used:,} of {total:,} bytes used, {total - used:,} free; {allocations} allocations\n")
    owner: list[int | None] = [None] * cells
    for index, one in enumerate(monitor.maps):
        begin = one.info.offset * cells // total
        end = max(begin + 1, (one.info.offset + one.info.slice_bytes) * cells // total)
        owner[begin:end] = [index] * (min(end, cells) - begin)
    for row in range(rows):
        for who in owner[row * width : (row + 1) * width]:
            text.append("·" if who is None else "█", style="dim" if who is None else COLOURS[who % len(COLOURS)])
        text.append("\n")
    for index, one in list(enumerate(monitor.maps))[: max(0, height - rows - 1)]:
        info = one.info
        unit = " bytes" if one.table.kind.in_bytes else ""
        text.append("█ ", style=COLOURS[index % len(COLOURS)])
        text.append(
            f"{info.name or f'id {info.id}':<15} {info.slice_bytes:>6,} bytes at {info.offset:>6,}, "
            f"at most {info.peak:,} of {info.max_entries:,}{unit}\n"
        )
    return text


def about(monitor: Monitor, said: About, width: int, height: int) -> Text:
    """Return what is known of the board itself: the line, its heap, its programs, pins and crashes."""
    trips = sorted(monitor.line.trips)
    lines = []
    if trips:
        lines.append(
            f"round trip {trips[len(trips) // 2] * 1e3:.1f} ms, {trips[0] * 1e3:.1f} to {trips[-1] * 1e3:.1f}; "
            f"{monitor.line.failed} calls failed"
        )
    again = f"{monitor.resent} frames sent again"
    if said.hub is not None:
        programs = [str(one.get("program", "")) for one in said.hub.get("programs", [])]
        line = said.hub.get("resent")
        again = f"{again} to the hub" + (f", {line} by the hub to the board" if line is not None else "")
        lines.append(f"{again}; hub {said.hub.get('pid')} serves {len(programs)}: {', '.join(programs)}")
    else:
        lines.append(f"{again}; this program has the port alone")
    if said.heap is not None:
        lines.append(f"heap {said.heap.free:,} bytes free, {said.heap.used:,} used; kernels {said.heap.kernels}")
    if said.pinning is not None:
        for pin in said.pinning.pins:
            why = f": {pin.why}" if pin.why else ""
            lines.append(f"pin {pin.name} {pin.state}, written {pin.writes} times{why}")
    if said.report is not None:
        for crash in said.report.crashes:
            what = crash.text.strip().splitlines()[-1:] or [""]
            lines.append(f"crash {crash.number} in boot {crash.boot}: {what[0]} (boardmaps postmortem has all of it)")
        lines += said.report.notes
    else:
        lines.append("no crash on record")
    return Text("\n".join(harmless(line)[:width] for line in lines[:height]), no_wrap=True)


def pace_line(table: Table, row: Row, field: Field) -> str:
    """Return how quickly a counter grows, with its past."""
    track = table.track(row, field)
    grown = [b[1] - a[1] for a, b in pairwise(track)]
    pace = table.pace(row, field)
    return "" if pace is None else f"{pace:.1f}/s {sparkline(grown, _SPARK)}"

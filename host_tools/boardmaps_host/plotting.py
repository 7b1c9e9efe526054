"""`boardmaps plot`: numbers of a board's maps by time, drawn in a terminal as they come, or saved as a picture or a table.

Samples of a series and records of a ring carry the board's own time or number, and are drawn by that; fields of entries by the
computer's time, in seconds since the plot began.
"""

import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from boardmaps.errors import InvalidValue
from boardmaps_host.client.maps import remote
from boardmaps_host.live.chart import COLOURS, chart, short
from boardmaps_host.live.places import Place
from boardmaps_host.live.reading import read
from boardmaps_host.live.tables import Table
from boardmaps_host.terminal import one_line

if TYPE_CHECKING:
    from rich.text import Text

    from boardmaps_host.client.board import Board
    from boardmaps_host.client.info import MapInfo

PICTURES = (".svg", ".png", ".pdf")
MOST = 100_000  # points of a track; then the oldest half of them goes


class Plot:
    """The tracks of some places: read() adds what is there now. `own_time`: by what the values carry themselves."""

    def __init__(self, board: "Board", places: Sequence[Place], infos: Sequence["MapInfo"]) -> None:
        self.places = places
        self.tracks: list[list[tuple[float, float]]] = [[] for _ in places]
        by_name = {info.name: info for info in infos}
        self._board = board
        self._tables = {place.map: Table(by_name[place.map].definition) for place in places}
        self._maps = {name: remote(board.link, by_name[name]) for name in self._tables}
        self.own_time = not next(iter(self._tables.values())).keyed
        if any(table.keyed is self.own_time for table in self._tables.values()):
            raise InvalidValue(
                "some of these carry the board's own time, and others none; they have no common axis: plot them apart"
            )
        self._begun = time.monotonic()
        self._newest: dict[str, float] = {}

    @property
    def what(self) -> str:
        """What is on the time's axis."""
        if not self.own_time:
            return "seconds"
        kinds = {table.kind.has("stats") for table in self._tables.values()}
        return "the board's time" if kinds == {True} else "number of the record" if kinds == {False} else "time"

    def read(self) -> int:
        """Read the maps once; return how many points came."""
        came = 0
        for name, table in self._tables.items():
            if self.own_time:
                came += self._samples(name, table)
            else:
                came += self._entries(name, table)
        return came

    def _entries(self, name: str, table: Table) -> int:
        the_map, came = self._maps[name], 0
        for place, track in self._of(name):
            value = the_map.lookup(place.key)
            number = None if value is None else table.number(place.field, value, place.index)
            if number is not None:
                _add(track, (time.monotonic() - self._begun, number))
                came += 1
        return came

    def _samples(self, name: str, table: Table) -> int:
        read(self._board, self._maps[name], table, time.monotonic, lambda: None)
        if table.why:
            raise InvalidValue(table.why)
        after = self._newest.get(name, -1.0)
        rows = [row for row in table.rows if row.number > after]
        for row in rows:
            self._newest[name] = max(self._newest.get(name, -1.0), float(row.number))
            for place, track in self._of(name):
                number = table.number(place.field, row.data, place.index)
                if number is not None:
                    _add(track, (float(row.number), number))
        return len(rows)

    def _of(self, name: str) -> list[tuple[Place, list[tuple[float, float]]]]:
        return [(place, track) for place, track in zip(self.places, self.tracks, strict=True) if place.map == name]

    def labels(self) -> list[str]:
        """Return what each track is called, with its unit."""
        return [one_line(f"{place.word} [{place.unit}]" if place.unit else place.word) for place in self.places]

    def draw(self, width: int, height: int) -> "Text":
        """Return it as it is now, for a terminal."""
        from rich.text import Text  # saves start-up time: for what is drawn

        text = Text(no_wrap=True, overflow="crop")
        times = [at for track in self.tracks for at, _ in track]
        marks = (short(min(times)), f"{short(max(times))} {self.what}") if times else ("", self.what)
        for line in chart(self.tracks, width, max(3, height - len(self.places)), marks):
            for part, track in line:
                text.append(part, style="dim" if track is None else COLOURS[track % len(COLOURS)])
            text.append("\n")
        for index, (label, points) in enumerate(zip(self.labels(), self.tracks, strict=True)):
            last = f"  {short(points[-1][1])}" if points else "  nothing is there yet"
            text.append(f" ━ {label}{last}", style=COLOURS[index % len(COLOURS)])
            text.append("\n" if index + 1 < len(self.places) else "")
        return text

    def save(self, path: Path) -> None:
        """Write it to a file: .csv, or with matplotlib .svg, .png or .pdf. Raises OSError, ModuleNotFoundError."""
        if path.suffix.lower() == ".csv":
            self._save_csv(path)
        else:
            self._save_picture(path)

    def _save_csv(self, path: Path) -> None:
        with path.open("w", newline="", encoding="utf-8") as file:
            lines = csv.writer(file)
            lines.writerow(["place", self.what, "value", "unit"])
            for place, track in zip(self.places, self.tracks, strict=True):
                lines.writerows([place.word, f"{at:.10g}", f"{number:.10g}", place.unit] for at, number in track)

    def _save_picture(self, path: Path) -> None:
        # saves start-up time: matplotlib takes a second. Its objects alone: pyplot would ask for a display.
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        figure = Figure(figsize=(9, 4.5), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        for label, track in zip(self.labels(), self.tracks, strict=True):
            axes.plot([at for at, _ in track], [number for _, number in track], label=label, drawstyle="steps-post")
        axes.set_xlabel(self.what)
        axes.grid(visible=True, alpha=0.3)
        axes.legend(loc="best")
        figure.savefig(path)


def _add(track: list[tuple[float, float]], point: tuple[float, float]) -> None:
    if len(track) >= MOST:
        del track[: MOST // 2]
    track.append(point)


def run(plot: Plot, every: float, seconds: float | None, show: Callable[[], None]) -> None:
    """Read at a steady rate for so long, or for ever; `show` is called after each reading."""
    begun = due = time.monotonic()
    while True:
        plot.read()
        show()
        due = max(due + every, time.monotonic())
        if seconds is not None and due - begun > seconds:
            return
        time.sleep(due - time.monotonic() if due > time.monotonic() else 0)

"""Rows of a benchmark: printed as a table, written as build/bench/NAME.json."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.table import Table

FOLDER = Path(__file__).parents[1] / "build" / "bench"


@dataclass
class Row:
    """One measured thing: `value` in `unit`, against `peer`; `ratio` and the `reach` that it is held against, if any.

    No `value`: it could not be measured, and `peer` says why.
    """

    name: str
    value: float | None
    unit: str
    peer: str = ""
    ratio: float | None = None
    reach: str = ""
    met: bool | None = None

    @classmethod
    def held(cls, name: str, value: float, unit: str, peer: str, ratio: float, reach: str) -> "Row":
        """Make a row and see whether `ratio` keeps `reach`, such as '>= 2.5' or '<= 1.8'."""
        sign, _, number = reach.partition(" ")
        met = ratio >= float(number) if sign == ">=" else ratio <= float(number)
        return cls(name, value, unit, peer, ratio, reach, met)


def none(what: str, wrong: int) -> Row:
    """Return a row for what may never happen."""
    return Row.held(what, wrong, "", "", wrong, "<= 0")


Name = Literal[
    "unix",
    "twin",
    "qemu",
    "fields",
    "pico",
    "pico-stock",
    "line",
    "chipline",
    "heap",
    "line-soak",
    "chips-soak",
    "kernels-soak",
    "wheel-soak",
    "schemas-soak",
    "pins",
    "sharing",
    "top",
    "pins-soak",
    "exports",
    "reopening",
    "resets-soak",
    "marks",
    "project",
    "starting",
    "commits-soak",
]


def console() -> Console:
    """The console for tables: the terminal's, or, when the output goes into a file or a pipe, one in which nothing is cut."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=140)


def publish(name: Name, title: str, rows: list[Row]) -> None:
    """Print the rows and write them as JSON."""
    table = Table(title=title, title_justify="left")
    for column in ("what", "value", "", "against", "ratio", "reach", ""):
        table.add_column(column, justify="right" if column in ("value", "ratio") else "left")
    for row in rows:
        met = {None: "", True: "[green]met[/]", False: "[red]missed[/]"}[row.met]
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        value = "" if row.value is None else f"{row.value:,.5g}" if row.value < 1e5 else f"{row.value:,.0f}"
        table.add_row(
            row.name,
            value,
            row.unit,
            row.peer,
            ratio,
            row.reach,
            met,
        )
    console().print(table)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{name}.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")

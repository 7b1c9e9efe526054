"""What the command prints: tables on a terminal, plain aligned text into a pipe, JSON when asked.

Nothing else of the command writes to stdout or stderr (a test sees to it), so that all of it has passed harmless().
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ..terminal import harmless, one_line

JSON_WORDS, PRETTY_WORDS = ("--json", "-j"), ("--pretty", "-p")
_asked = {"json": False, "pretty": False}  # of the command that runs; a process runs one at a time


def begin(words: Sequence[str]) -> None:
    """See whether the command line asks for JSON before it is parsed, so that errors of parsing come as JSON too."""
    pretty = any(word in words for word in PRETTY_WORDS)
    _asked.update(json=pretty or any(word in words for word in JSON_WORDS), pretty=pretty)


def ask(*, pretty: bool) -> None:
    """Have the command print JSON."""
    _asked["json"] = True
    _asked["pretty"] |= pretty


def wants_json() -> bool:
    """Whether JSON was asked for, before the command's name or behind it."""
    return _asked["json"]


def as_json(document: Any) -> None:
    """Print one JSON document: on one line, or indented with --pretty."""
    text = _indented(document, "") if _asked["pretty"] else json.dumps(document)
    print(text.replace("\x7f", "\\u007f"), flush=True)  # the one control character that json.dumps leaves


def _indented(value: Any, before: str) -> str:
    """Return `value` as JSON over several lines; a list of plain values, such as a key's bytes, stays on one."""
    inner = before + "    "
    if isinstance(value, dict) and value:
        lines = [f"{inner}{json.dumps(name)}: {_indented(part, inner)}" for name, part in value.items()]
        return "{\n" + ",\n".join(lines) + f"\n{before}}}"
    if isinstance(value, list | tuple) and any(isinstance(part, dict | list | tuple) for part in value):
        return "[\n" + ",\n".join(inner + _indented(part, inner) for part in value) + f"\n{before}]"
    return json.dumps(value)


def say(text: str = "", *, flush: bool = False) -> None:
    """Print a line on stdout."""
    print(harmless(text), flush=flush)


def note(text: str) -> None:
    """Print a line on stderr."""
    print(harmless(text), file=sys.stderr, flush=True)


def attached() -> None:
    """Say to a person at a terminal that a command goes on until Ctrl-C: one that has nothing to print yet looks as if it hung."""
    if sys.stderr.isatty():
        note("boardmaps: attached; Ctrl-C ends")


def show(text: str, *, raw: bool = False) -> None:
    """Print what a board has printed, with no newline of ours; `raw` leaves its control characters in."""
    sys.stdout.write(text if raw else harmless(text))
    sys.stdout.flush()


def data(content: bytes) -> None:
    """Write bytes to stdout as they are."""
    sys.stdout.buffer.write(content)


def error(text: str, *, plain: bool = False) -> None:
    """Print one line on stderr and, for scripts that asked for JSON, {"error": text} on stdout, unless it is `plain`."""
    text = harmless(" ".join(text.split()))
    if _asked["json"] and not plain:
        as_json({"error": text})
    print(f"boardmaps: {text}", file=sys.stderr)


def hex_bytes(data: bytes) -> list[str]:
    """Return bytes as bpftool's JSON has them: ["0x01", "0x02"]."""
    return [f"0x{byte:02x}" for byte in data]


def readable(data: bytes) -> str:
    """Return bytes as a person reads them: a number if they are 1, 2, 4 or 8, text if they are text padded with NULs.

    What may be both is shown as both: a counter passes through many a word. Five letters of eight are hardly a number.
    """
    text = data.rstrip(b"\0")
    shown = repr(text.decode()) if text and all(0x20 <= byte < 0x7F for byte in text) else ""
    if len(data) not in (1, 2, 4, 8):
        return shown if len(text) > 1 or len(data) > len(text) + 4 else ""
    if shown and len(text) > 4:
        return shown
    number = str(int.from_bytes(data, "little"))
    return f"{number} {shown}" if shown and len(text) > 2 else number


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table. A column whose name ends in `#` holds numbers and is aligned to the right.

    On a terminal it has lines and colour and is fitted to the width, each cell on a line of its own if the words do not
    fit; into a pipe it is plain text, two spaces between columns, never cut.
    """
    names = [_cell(name.rstrip("#")) for name in columns]
    if sys.stdout.isatty():
        _rich_table(columns, names, rows)
        return
    lines = [names, *([_cell(cell) for cell in row] for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    for line in lines:
        cells = (
            cell.rjust(width) if column.endswith("#") else cell.ljust(width)
            for cell, width, column in zip(line, widths, columns, strict=True)
        )
        print("  ".join(cells).rstrip())


def _cell(value: object) -> str:
    return one_line(str(value))


def _rich_table(columns: Sequence[str], names: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    # saves start-up time: rich takes a tenth of a second
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    cells = [[Text(_cell(cell)) for cell in row] for row in rows]  # Text: what a board says is never markup
    drawn = Table(box=box.SIMPLE_HEAD, header_style="bold", padding=(0, 1, 0, 0), pad_edge=False)
    needed = -2
    for i, (column, name) in enumerate(zip(columns, names, strict=True)):
        word = max(len(word) for cell in [name, *(row[i].plain for row in cells)] for word in cell.split() or [""])
        drawn.add_column(name, justify="right" if column.endswith("#") else "left", min_width=word)
        needed += word + 2
    for row in cells:
        drawn.add_row(*row)
    console = Console(highlight=False)
    if needed > console.width:
        drawn = Table(box=None, show_header=False, pad_edge=False)
        drawn.add_column(style="bold")
        drawn.add_column(overflow="fold")
        for row in cells:
            for name, cell in zip(names, row, strict=True):
                drawn.add_row(name, cell)
            drawn.add_row()
    console.print(drawn)


@contextmanager
def progress(begins: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None] | None]:
    """Show a bar on a terminal, told (what is being done, how much of it is done, of how much); nothing into a pipe."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    # saves start-up time: rich takes a tenth of a second
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(_cell(begins))
        yield lambda what, done, total: bar.update(task, description=_cell(what), completed=done, total=total)

"""A line chart of characters: braille dots, two across and four down in each, with the limits beside. For a view and for `plot`.

plotext does more; its interface was made anew with its version 6, and it takes longer to import than all of the command.
"""

from collections.abc import Sequence

Track = Sequence[tuple[float, float]]  # (time, number), the oldest first

_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
_BLOCKS = "▁▂▃▄▅▆▇█"
COLOURS = ("cyan", "yellow", "green", "magenta", "red", "blue")  # of the tracks, in their order


def sparkline(numbers: Sequence[float], width: int) -> str:
    """Return the last numbers as bars of one line."""
    last = numbers[-width:]
    if not last:
        return ""
    low, high = min(last), max(last)
    span = high - low or 1.0
    return "".join(_BLOCKS[min(7, int((number - low) / span * 8))] for number in last)


def short(number: float) -> str:
    """Return a number in seven characters or so."""
    return f"{number:.6g}"


def limits(tracks: Sequence[Track]) -> tuple[float, float, float, float] | None:
    """Return first and last time, least and greatest number; None when there is nothing. Equal ones are set apart."""
    points = [point for track in tracks for point in track]
    if not points:
        return None
    begin, end = min(at for at, _ in points), max(at for at, _ in points)
    low, high = min(number for _, number in points), max(number for _, number in points)
    if low == high:
        low, high = low - (abs(low) / 100 or 1), high + (abs(high) / 100 or 1)
    return begin, end if end > begin else begin + 1, low, high


def chart(
    tracks: Sequence[Track], width: int, height: int, times: tuple[str, str] | None = None
) -> list[list[tuple[str, int | None]]]:
    """Return `height` lines of `width` characters, each a list of (text, number of its track, None for the frame's).

    `times`: what stands for the first and the last time below; nothing there when it is None.
    """
    found = limits(tracks)
    if found is None:
        return [[("nothing to plot yet", None)]]
    begin, end, low, high = found
    labels = short(high), short(low)
    margin = max(map(len, labels)) + 1
    rows = max(1, height - (times is not None))
    columns = max(1, width - margin - 1)
    bits = [[0] * columns for _ in range(rows)]
    owner: list[list[int | None]] = [[None] * columns for _ in range(rows)]

    def dot(x: int, y: int, track: int) -> None:
        bits[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
        owner[y // 4][x // 2] = track

    for index, track in enumerate(tracks):
        before: tuple[int, int] | None = None
        for at, number in track:
            x = round((at - begin) / (end - begin) * (2 * columns - 1))
            y = round((high - number) / (high - low) * (4 * rows - 1))
            for px, py in _line(before or (x, y), (x, y)):
                dot(px, py, index)
            before = x, y
    lines: list[list[tuple[str, int | None]]] = []
    for row in range(rows):
        label = labels[0] if row == 0 else labels[1] if row == rows - 1 else ""
        line: list[tuple[str, int | None]] = [(label.rjust(margin - 1) + " │", None)]
        for bit, one in zip(bits[row], owner[row], strict=True):
            text = chr(0x2800 + bit) if bit else " "
            if line[-1][1] == one and len(line) > 1:
                line[-1] = line[-1][0] + text, one
            else:
                line.append((text, one))
        lines.append(line)
    if times is not None:
        gap = max(1, columns - len(times[0]) - len(times[1]))
        lines.append([(" " * (margin + 1) + times[0] + " " * gap + times[1], None)])
    return lines


def _line(begin: tuple[int, int], end: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the dots from one point to another."""
    steps = max(abs(end[0] - begin[0]), abs(end[1] - begin[1]), 1)
    return [
        (
            begin[0] + round((end[0] - begin[0]) * step / steps),
            begin[1] + round((end[1] - begin[1]) * step / steps),
        )
        for step in range(steps + 1)
    ]

"""The maps of a board, a line each: name, kind, how full it is, and how many of its entries change a second."""

from collections.abc import Callable
from typing import ClassVar

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from boardmaps_host.live.monitor import Shown

_BAR = 5
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def bar(share: float, width: int) -> str:
    """Return a bar that is full to a share, 0 to 1, of its width."""
    eighths = round(min(1.0, max(0.0, share)) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width, "·")


def pace(rate: float | None) -> str:
    """Return a rate in five characters or fewer; nothing for what is not known."""
    if rate is None:
        return ""
    if rate < 0.05:
        return "0/s"
    return f"{rate:.1f}/s" if rate < 9.95 else f"{rate:.0f}/s" if rate < 9999.5 else f"{rate / 1000:.0f}k/s"


class MapList(ScrollView, can_focus=True):
    """The list. Moving in it chooses the map that is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up", show=False),
        Binding("down", "move(1)", "down", show=False),
        Binding("home", "move(-100000)", "first", show=False),
        Binding("end", "move(100000)", "last", show=False),
    ]

    class Chosen(Message):
        """Another map is to be shown."""

        def __init__(self, shown: Shown) -> None:
            super().__init__()
            self.shown = shown

    def __init__(self, maps: Callable[[], list[Shown]], current: Callable[[], Shown | None]) -> None:
        super().__init__()
        self.filter = ""
        self._all = maps
        self._current = current
        self._lines: list[
            tuple[str, bool]
        ] = []  # as they were drawn last: text, and whether it is the one that is shown

    @property
    def maps(self) -> list[Shown]:
        """The maps that the filter leaves."""
        wanted = self.filter.lower()
        return [one for one in self._all() if wanted in one.name.lower() or wanted in one.info.type_name]

    def look(self) -> None:
        """Draw what is known now, if that is something new."""
        lines = [(self._text(one), one is self._current()) for one in self.maps]
        if lines == self._lines:
            return
        self._lines = lines
        size = Size(self.size.width, len(lines) + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    @staticmethod
    def _text(one: Shown) -> str:
        info = one.info
        name = set_cell_size(one.name, 11)
        used = one.table.used if one.table.kind.in_bytes else info.count
        full = " " * _BAR if used is None else bar(used / max(1, info.max_entries), _BAR)
        return f"{name} {info.type_name:<7.7} {full} {pace(one.table.rate):>6}"

    def action_move(self, down: int) -> None:
        """Choose another map."""
        maps = self.maps
        if not maps:
            return
        current = self._current()
        at = next((i for i, one in enumerate(maps) if one is current), 0)
        self._choose(min(max(0, at + down), len(maps) - 1))

    def _choose(self, at: int) -> None:
        top, height = self.scroll_offset.y, max(1, self.size.height - 1)
        if at < top:
            self.scroll_to(y=at, animate=False)
        elif at >= top + height:
            self.scroll_to(y=at - height + 1, animate=False)
        self.post_message(self.Chosen(self.maps[at]))

    def on_click(self, event: events.Click) -> None:
        """Choose the map that is clicked on."""
        at = self.scroll_offset.y + event.y - 1
        if 0 <= at < len(self.maps):
            self._choose(at)

    def render_line(self, y: int) -> Strip:
        """Draw a line."""
        base, width = self.rich_style, self.size.width
        if y == 0:
            text = f"{'map':<11} {'kind':<7} {'full':<{_BAR}} {'rate':>6}"
            return Strip([Segment(text, base + Style(bold=True, underline=True))]).adjust_cell_length(width, base)
        at = self.scroll_offset.y + y - 1
        if at >= len(self._lines):
            return Strip([]).adjust_cell_length(width, base)
        text, current = self._lines[at]
        style = base
        if current:
            style += Style(reverse=True) if self.has_focus else Style(bold=True, color="cyan")
        return Strip([Segment(text, style)]).adjust_cell_length(width, style)

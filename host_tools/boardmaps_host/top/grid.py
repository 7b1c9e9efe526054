"""A map's content on the screen: entries down and fields across, or the other way round. Only the lines that are seen are drawn."""

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from boardmaps.schema import Field
from boardmaps_host.live.edits import Edit
from boardmaps_host.live.tables import Row, Table
from boardmaps_host.terminal import one_line

MARKED = 1.5  # seconds for which a cell that has changed is marked
_TURNED_ROWS = 2  # a map with so many entries or fewer, and more fields than that, has its fields down
_WIDEST = 40  # of a column
_PLAIN, _TITLE, _LABEL = Style(), Style(bold=True, underline=True), Style(bold=True)
_CHANGED, _STAGED, _LOCKED = Style(color="yellow", bold=True), Style(color="cyan", bold=True), Style(dim=True)
_CURSOR = Style(reverse=True)

Staged = Callable[[Table, Row, Field], Edit | None]


class Grid(ScrollView, can_focus=True):
    """The table of one map. `filter` leaves what has it in its key, or in a field's name."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1, 0)", "up", show=False),
        Binding("down", "move(1, 0)", "down", show=False),
        Binding("left", "move(0, -1)", "left", show=False),
        Binding("right", "move(0, 1)", "right", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home", "move(-1000000, 0)", "first", show=False),
        Binding("end", "move(1000000, 0)", "last", show=False),
    ]

    class Opened(Message):
        """Somebody wants to edit the cell under the cursor."""

    def __init__(self, staged: Staged) -> None:
        """`staged` gives what is staged for a cell."""
        super().__init__()
        self.table: Table | None = None
        self.filter = ""
        self.turned: bool | None = None  # None: by the map's shape
        self.differs: set[tuple[bytes, str]] = set()  # (key, field) of cells that are not as they are pinned
        self._staged = staged
        self._at = (0, 0)
        self._held: Row | None = None  # the row of the cursor, wherever it is now
        self._first = 0  # column that is drawn first
        self._widths: dict[int, int] = {}
        self._base = Style()
        self._rows: list[Row] = []
        self._fields: list[Field | None] = []

    # -- what is seen

    def show(self, table: Table | None) -> None:
        """Draw this map from now on."""
        if table is not self.table:
            self._at, self._first, self._held = (0, 0), 0, None
            self._widths = {}
            self.turned = None
            self.scroll_to(0, 0, animate=False)
        self.table = table
        self.look()

    def look(self) -> None:
        """Draw what the table has now."""
        self._base = self.rich_style  # takes long: once, not for each line
        rows, fields = self.seen()
        if rows is not self._rows or fields != self._fields:
            self._rows, self._fields = rows, fields
        if self._held is not None and not self.across:
            for index, row in enumerate(rows):
                if row is self._held:
                    self._at = index, self._at[1]
                    break
        down, across = self.shape()
        self._at = min(self._at[0], max(0, down - 1)), min(self._at[1], max(0, across - 1))
        size = Size(self.size.width, down + 1)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def seen(self) -> tuple[list[Row], list[Field | None]]:
        """Return the rows and fields that the filter leaves."""
        table = self.table
        if table is None:
            return [], []
        rows = table.rows if table.keyed or table.kind.has("pop") else table.rows[::-1]  # the newest first
        fields: list[Field | None] = list(table.columns) or [None]
        wanted = self.filter.lower()
        if not wanted:
            return rows, fields
        by_key = [row for row in rows if wanted in row.label.lower()]
        if by_key:
            return by_key, fields
        by_name: list[Field | None] = [f for f in fields if f is not None and wanted in f.name.lower()]
        return (rows, by_name) if by_name else ([], fields)

    @property
    def across(self) -> bool:
        """Whether entries are across, and fields down."""
        if self.turned is not None:
            return self.turned
        few = self.table is not None and len(self.table.rows) <= _TURNED_ROWS
        return few and len(self._fields) > _TURNED_ROWS

    def shape(self) -> tuple[int, int]:
        """Return how many cells there are down and across."""
        return (len(self._fields), len(self._rows)) if self.across else (len(self._rows), len(self._fields))

    def cell(self, down: int, across: int) -> tuple[Row, Field | None]:
        """Return what is in a cell."""
        return (self._rows[across], self._fields[down]) if self.across else (self._rows[down], self._fields[across])

    def current(self) -> tuple[Row, Field | None] | None:
        """Return the cell under the cursor, None when there is none."""
        down, across = self.shape()
        return self.cell(*self._at) if down and across else None

    # -- moving

    def action_move(self, down: int, across: int) -> None:
        """Move the cursor."""
        rows, columns = self.shape()
        if not rows or not columns:
            return
        self._at = (
            min(max(0, self._at[0] + down), rows - 1),
            min(max(0, self._at[1] + across), columns - 1),
        )
        self._held = None if self.across else self._rows[self._at[0]]
        self._base = self.rich_style
        line, top, height = self._at[0], self.scroll_offset.y, max(1, self.size.height - 1)
        if line < top:
            self.scroll_to(y=line, animate=False)
        elif line >= top + height:
            self.scroll_to(y=line - height + 1, animate=False)
        self._first = min(self._first, self._at[1])
        while self._first < self._at[1] and not self._fits(self._at[1]):
            self._first += 1
        self.refresh()

    def action_page(self, pages: int) -> None:
        """Move by what is seen at once."""
        self.action_move(pages * max(1, self.size.height - 2), 0)

    def on_click(self, event: events.Click) -> None:
        """Move to a cell; two clicks edit it."""
        line = self.scroll_offset.y + event.y - 1
        x = event.x - self._label_width()
        for column in range(self._first, self.shape()[1]):
            x -= self._width(column) + 1
            if x < 0:
                self.action_move(line - self._at[0], column - self._at[1])
                break
        if event.chain == 2:
            self.post_message(self.Opened())

    def on_resize(self) -> None:
        """Fit anew."""
        self.look()

    # -- drawing

    def _label_width(self) -> int:
        return self._width(-1) + 1

    def _width(self, column: int) -> int:
        return self._widths.get(column, 1)

    def _fits(self, column: int) -> bool:
        taken = self._label_width() + sum(self._width(one) + 1 for one in range(self._first, column + 1))
        return taken <= self.size.width

    def _title(self, field: Field | None) -> str:
        if field is None:
            return "data"
        unit = f" {field.unit}" if field.unit else ""
        mark = "".join(sign for on, sign in ((field.locked, "!"), (field.restart, "^"), (field.grows, "+")) if on)
        return one_line(f"{field.name}{mark}{unit}")

    def _heads(self) -> tuple[str, Sequence[str]]:
        table = self.table
        assert table is not None
        key = ",".join(f.name for f in table.key_schema.fields) if table.key_schema is not None else "key"
        key = key if table.keyed else "#"
        if self.across:
            return "field", [row.label for row in self._rows]
        return key, [self._title(field) for field in self._fields]

    def _text(self, row: Row, field: Field | None) -> tuple[str, Style, str]:
        """Return a cell's text, its style, and its mark of one character."""
        table = self.table
        assert table is not None
        if field is not None:
            edit = self._staged(table, row, field)
            if edit is not None:
                return one_line(edit.text()), _STAGED, "»"
        text = table.text(row, field)
        changed = row.changed.get(field.name) if field is not None else None
        if changed is not None and time.monotonic() - changed < MARKED:
            return text, _CHANGED, "•"
        if field is not None and (row.key, field.name) in self.differs:
            return text, _PLAIN, "≠"
        return text, _LOCKED if field is not None and field.locked else _PLAIN, " "

    def _grow(self, column: int, text: str) -> int:
        width = min(_WIDEST, max(self._widths.get(column, 1), cell_len(text)))
        self._widths[column] = width
        return width

    def render_line(self, y: int) -> Strip:
        """Draw a line: the first has the titles."""
        width = self.size.width
        base = self._base
        table = self.table
        if table is None or (not self._rows and y == 1):
            text = ""
            if table is not None:
                text = table.why or ("nothing has this in its key or name" if self.filter else "nothing is in this map")
            return self._line([Segment(text, base)], width, base)
        key, heads = self._heads()
        if y == 0:
            label = self._grow(-1, key)
            parts = [Segment(set_cell_size(key, label) + " ", base + _TITLE)]
            for column in range(self._first, len(heads)):
                size = self._grow(column, heads[column] + " ")
                parts.append(Segment(set_cell_size(heads[column], size) + " ", base + _TITLE))
            return self._line(parts, width, base)
        down = self.scroll_offset.y + y - 1
        rows, columns = self.shape()
        if down >= rows:
            return self._line([], width, base)
        label_text = self._title(self._fields[down]) if self.across else self._rows[down].label
        size = self._grow(-1, label_text)
        parts = [Segment(set_cell_size(label_text, size) + " ", base + _LABEL)]
        used = size + 1
        for column in range(self._first, columns):
            row, field = self.cell(down, column)
            text, style, mark = self._text(row, field)
            size = self._grow(column, text + " ")
            body = set_cell_size(text, size - 1)
            if field is not None and field.letter not in "s?" and not field.names and not field.count:
                body = text.rjust(size - 1) if cell_len(text) < size else body
            here = base + style + _CURSOR if (down, column) == self._at and self.has_focus else base + style
            parts += [Segment(body + mark, here), Segment(" ", base)]
            used += size + 1
            if used > width:
                break
        return self._line(parts, width, base)

    @staticmethod
    def _line(parts: list[Segment], width: int, base: Style) -> Strip:
        return Strip(parts).adjust_cell_length(width, base)

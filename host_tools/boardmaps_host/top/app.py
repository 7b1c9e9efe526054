"""The view: the widgets, the keys, and what each key does.

More than 300 lines: one method a key.
"""

import asyncio
import contextlib
import signal
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.geometry import Size
from textual.message import Message
from textual.widgets import Footer, Input, Static

from boardmaps.errors import MapError
from boardmaps_host.client.errors import LinkError
from boardmaps_host.live import edits
from boardmaps_host.live.about import About, beside, differing
from boardmaps_host.live.monitor import Monitor, Shown
from boardmaps_host.terminal import harmless, one_line
from boardmaps_host.top import panel
from boardmaps_host.top.editor import Editor, limits
from boardmaps_host.top.export import export
from boardmaps_host.top.grid import Grid
from boardmaps_host.top.help import Help
from boardmaps_host.top.line import Line, done
from boardmaps_host.top.maplist import MapList
from boardmaps_host.top.small import Small, is_small
from boardmaps_host.top.staging import Staging

if TYPE_CHECKING:
    from boardmaps_host.client.board import Board

_NAME = 12  # columns at least for what the board is called
_PATIENCE = 1.0  # seconds without an answer until the view says so
_INTERRUPTED = 130
_NO_PROGRAM = (
    "No program runs on the board: it has no maps but those that were left. "
    "Reset it to start its main.py, or give it one: boardmaps deploy --app PATH"
)


class Told(Message):
    """Something new was read."""


class Done(Message):
    """Edits were written, or not: then `error` says why, and none of them was."""

    def __init__(self, entries: list[edits.Together], error: Exception | None) -> None:
        super().__init__()
        self.entries = entries
        self.error = error


class Pinned(Message):
    """A map was pinned, or not."""

    def __init__(self, said: str) -> None:
        super().__init__()
        self.said = said


class Filter(Line):
    """What is to be left of the table, or of the maps."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Keep"),
        Binding("escape", "app.dismiss", "Show all"),
    ]


class Top(App[int]):
    """The whole view of one board. `title` says which. run() returns the exit status."""

    ENABLE_COMMAND_PALETTE = False
    CSS_PATH = "top.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "edit", "Edit"),
        Binding("s", "stage", "Stage"),
        Binding("g", "plot", "Plot"),
        Binding("c", "panel('console')", "Console"),
        Binding("slash", "filter", "Filter"),
        Binding("space", "pause", "Pause"),
        Binding("question_mark", "help", "Help"),
        Binding("q", "quit", "Quit"),
        Binding("w", "write", "Write", show=False),
        Binding("e", "export", "Export", show=False),
        Binding("plus,equals_sign", "step(1)", "Step up", show=False),
        Binding("minus", "step(-1)", "Step down", show=False),
        Binding("u", "unstage", "Drop staged", show=False),
        Binding("x", "turn", "Turn the table", show=False),
        Binding("o", "panel('pool')", "Pool", show=False),
        Binding("b", "panel('about')", "Board", show=False),
        Binding("k", "keep", "Keep: pin the map", show=False),
        Binding("escape", "dismiss", "Dismiss", show=False),
        Binding("ctrl+c", "interrupt", "Interrupt", show=False, priority=True),
    ]

    def __init__(self, board: "Board", monitor: Monitor, title: str) -> None:
        super().__init__()
        self.title = title
        self.monitor = monitor
        self.staging = Staging()
        self.said = ""
        self._said_in = ""  # the boot of the board that it was said in
        self._board = board
        self.panel = ""  # what is shown below: plot, console, pool, about
        self.plotted: list[panel.Plotted] = []
        self._about = About(monitor)
        self._drawn: dict[str, Text] = {}
        self._stopped = False

    def compose(self) -> ComposeResult:
        """The widgets, from the top."""
        monitor = self.monitor
        yield Static(id="head", markup=False)
        yield Static(id="banner", markup=False)
        with Horizontal(id="middle"):
            yield MapList(lambda: monitor.maps, lambda: monitor.shown)
            yield Grid(self.staging.of)
        yield Static(id="detail", markup=False)
        yield Static(id="panel", markup=False)
        yield Editor()
        yield Filter(id="filter", compact=True, placeholder="what a name or a key has in it; Esc shows all")
        yield Static(id="status", markup=False)
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        """Begin to look."""
        self.grid.focus()
        self.monitor.told = self._told
        loop = asyncio.get_running_loop()
        for number, status in ((signal.SIGINT, _INTERRUPTED), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
            # In the main thread alone; a test's application runs there, too. Windows has no such handlers.
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self.exit, status)
        self.monitor.start(self._board)

    @property
    def grid(self) -> Grid:
        """The table."""
        return self.query_one(Grid)

    @property
    def editor(self) -> Editor:
        """The line in which a cell is edited."""
        return self.query_one(Editor)

    def _told(self) -> None:
        if not self._stopped and self.is_running:
            self.post_message(Told())

    async def on_event(self, event: events.Event) -> None:
        """Do what a key is bound to before the next one. A line takes its keys in their order itself."""
        if isinstance(event, events.Key) and not event.is_forwarded and await self._takes(event.key):
            return
        await super().on_event(event)

    async def _takes(self, key: str) -> bool:
        return self.app_focus and not isinstance(self.focused, Line) and await done(self.screen, key)

    # -- drawing

    def on_told(self) -> None:
        """Draw what is new. Raises what has ended the monitor's thread."""
        if self.monitor.fault is not None:
            raise self.monitor.fault
        if self._said_in != self._board.link.boot:  # of a board that is no more, or has restarted
            self.said = ""
        self.draw()

    def draw(self) -> None:
        """Draw all that may have changed."""
        if not self.is_running:
            return
        monitor = self.monitor
        shown = monitor.shown
        pinned = self._about.pinned(shown.info.name) if shown is not None else None
        self.grid.differs = differing(shown.table, pinned) if shown is not None and pinned is not None else set()
        self.grid.show(shown.table if shown is not None else None)
        self.query_one(MapList).look()
        self.editor.look()
        self._put("head", self._head())
        self._put("banner", self._banner())
        self._put("detail", self._detail(shown))
        self._put("panel", self._below())
        self._put("status", Text(harmless(self.said)))

    def _put(self, name: str, text: Text) -> None:
        """Have a line show a text; the whole screen is laid out anew only for those that may take several lines."""
        if self._drawn.get(name) == text:
            return
        self._drawn[name] = text
        line = self.query_one(f"#{name}", Static)
        line.update(text, layout=name in ("banner", "status"))
        if name == "banner":
            line.display = bool(text)

    def _below(self) -> Text:
        """Return what the panel shows."""
        place = self.query_one("#panel", Static).size
        width, height = max(20, place.width), max(3, place.height)
        if self.panel == "plot":
            return panel.plot(self.monitor, self.plotted, width, height)
        if self.panel == "console":
            return panel.console(self.monitor, width, height)
        if self.panel == "pool":
            return panel.pool(self.monitor, width, height)
        return panel.about(self.monitor, self._about, width, height) if self.panel else Text()

    def _head(self) -> Text:
        monitor = self.monitor
        trip = monitor.line.trip
        head = Text(f"  every {monitor.every:g} s")
        if trip is not None:
            head.append(f"  round trip {trip * 1e3:.1f} ms")
        if monitor.resent or monitor.line.failed:
            head.append(f"  sent again {monitor.resent}, failed {monitor.line.failed}")
        if self._about.report is not None:
            head.append("  CRASH ON RECORD (b)", style="bold red")
        if monitor.paused:
            head.append("  PAUSED", style="bold yellow")
        if self.staging.on or self.staging:
            head.append(f"  STAGED {len(self.staging)}", style="bold cyan")
        line = Text(no_wrap=True, overflow="ellipsis")
        name = Text(harmless(self.title), style="bold")
        name.truncate(max(_NAME, self.query_one("#head", Static).size.width - head.cell_len), overflow="ellipsis")
        return line.append_text(name).append_text(head)

    def _banner(self) -> Text:
        monitor = self.monitor
        if monitor.problem:
            return Text(_one_line(monitor.problem), style="bold")
        if monitor.waiting() > _PATIENCE:
            return Text(f"no answer from the board for {monitor.waiting():.0f} s")
        if monitor.ended:
            return Text(f"{_one_line(monitor.ended)} (Esc)")
        return Text() if self._board.program_runs else Text(_NO_PROGRAM)

    def _detail(self, shown: Shown | None) -> Text:
        current = self.grid.current()
        if shown is None or current is None:
            return Text()
        row, field = current
        if field is None:
            return Text(harmless(f"{row.label}: {len(row.data)} bytes"))
        parts = [f"{row.label} {field.name}: {shown.table.text(row, field)} {field.unit}".rstrip()]
        if field.grows:
            parts.append(panel.pace_line(shown.table, row, field))
        parts += beside(shown.table, row, field, self._about.pinned(shown.info.name))
        if field.low is not None or field.high is not None:
            parts.append(limits(field))
        if field.locked:
            parts.append("only the firmware writes it")
        if field.restart:
            parts.append("takes effect after a restart")
        if field.text:
            parts.append(field.text)
        return Text(one_line("  ".join(part for part in parts if part)), no_wrap=True, overflow="ellipsis")

    def say(self, text: str) -> None:
        """Show a sentence on the status line."""
        self.said, self._said_in = text, self._board.link.boot
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """See whether the terminal is large enough."""
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Cover the view while the terminal is too small for it. The help may stay: nothing is edited from there."""
        top = self.screen
        if isinstance(top, Small) and not is_small(size):
            self.pop_screen()
        elif top is self.default_screen and is_small(size):
            self.push_screen(Small(self.staging.unwritten()))

    # -- what was done

    def on_map_list_chosen(self, event: MapList.Chosen) -> None:
        """Show another map."""
        if self.editor.opened:
            self.editor.action_leave()
        self.monitor.select(event.shown.name)
        self.grid.filter = ""
        self.draw()

    def on_grid_opened(self) -> None:
        """Edit the cell."""
        self.action_edit()

    def action_edit(self) -> None:
        """Edit the cell under the cursor."""
        shown, current = self.monitor.shown, self.grid.current()
        if self.focused is not self.grid:
            self.grid.focus()
            return
        if shown is None or current is None:
            return
        row, field = current
        try:
            edits.may_edit(shown.table, field)
            assert field is not None
            staged = self.staging.of(shown.table, row, field)
            self.editor.open(shown.table, row, field, staged.text() if staged is not None else None)
        except MapError as error:
            self.say(str(error))

    def action_step(self, steps: int) -> None:
        """Go a step further in the cell under the cursor."""
        shown, current = self.monitor.shown, self.grid.current()
        if shown is None or current is None or self.focused is not self.grid:
            return
        try:
            edit = self.staging.step(shown.table, *current, steps)
        except MapError as error:
            self.say(str(error))
            return
        if edit is not None:
            self._enter(edit)
        else:
            self.draw()

    def on_editor_left(self) -> None:
        """Back to the table."""
        self.grid.focus()
        self.draw()

    def on_editor_entered(self, event: Editor.Entered) -> None:
        """Write what was typed, or stage it."""
        self._enter(event.edit)

    def _enter(self, edit: edits.Edit) -> None:
        shown = self.monitor.shown
        if shown is None:
            return
        if self.staging.on:
            self.staging.stage(shown.table, edit)
            self._leave_editor()
            self.say(f"{len(self.staging)} staged; w writes them")
            return
        self._write([edits.Together(shown.map, shown.table, [edit])])

    def _write(self, entries: list[edits.Together]) -> None:
        self.staging.sending(entries)
        self.monitor.do(
            lambda board: edits.write_all(board, entries),
            lambda error: self._post(Done(entries, error if isinstance(error, Exception) else None)),
        )

    def _post(self, message: Message) -> None:
        if self.is_running:
            self.post_message(message)

    def on_done(self, event: Done) -> None:
        """See what has come of writing."""
        error = event.error
        again = self.staging.done(event.entries, error)
        if error is None:
            self._leave_editor()
            wrote = [
                f"{one.table.name} {one.table.key_text(edit.key)} {edit.field.name}={edit.text()}"
                for one in event.entries
                for edit in one.edits
            ]
            self.say("wrote " + ", ".join(wrote))
        elif self.editor.opened and isinstance(error, MapError):
            self.editor.refused(error)
        else:
            self._leave_editor()
            unwritten = isinstance(error, LinkError) and not error.may_have_happened
            told = f"not written: {_one_line(str(error))}" if unwritten else _one_line(str(error))
            self.say(f"{told}. w writes all the same, u drops one" if again else told)

    def _leave_editor(self) -> None:
        if self.editor.opened:
            self.editor.close()
            self.grid.focus()

    # -- keys

    def action_stage(self) -> None:
        """Write edits at once, or stage them and write them together."""
        self.staging.on = not self.staging.on
        self.say("edits are staged: w writes them, u drops one" if self.staging.on else "edits are written at once")

    def action_write(self) -> None:
        """Write what is staged: all of it holds together, or nothing."""
        if not self.staging:
            self.say("nothing is staged")
            return
        try:
            self._write(self.staging.together(self.monitor.find))
        except MapError as error:
            self.say(str(error))

    def action_unstage(self) -> None:
        """Drop the staged edit under the cursor."""
        shown, current = self.monitor.shown, self.grid.current()
        if shown is not None and current is not None and self.staging.drop(shown.table, *current):
            self.say(f"dropped; {len(self.staging)} staged")

    def action_pause(self) -> None:
        """Read nothing more, or go on."""
        self.monitor.pause(not self.monitor.paused)
        self.draw()

    def action_turn(self) -> None:
        """Have the fields down instead of the entries, or the other way."""
        self.grid.turned = not self.grid.across
        self.grid.look()

    def action_panel(self, what: str) -> None:
        """Show something below the table, or nothing any more."""
        self.panel = "" if self.panel == what else what
        self._about.looked_at = self.panel == "about"
        self.query_one("#panel").display = bool(self.panel)
        self.call_after_refresh(self.draw)  # when it has its size

    def action_plot(self) -> None:
        """Plot the cell under the cursor, of a ring or a series the field of all that is in it; or no longer."""
        shown, current = self.monitor.shown, self.grid.current()
        if shown is None or current is None:
            return
        row, field = current
        if field is None or shown.table.number(field, row.data) is None:
            self.say("this cell has no number that can be plotted")
            return
        keyed = shown.table.keyed
        one = panel.Plotted(shown.name, row.key if keyed else b"", row.cpu if keyed else 0, field)
        if one in self.plotted:
            self.plotted.remove(one)
        else:
            others = [self.monitor.find(other.name) for other in self.plotted]
            if any(other is not None and other.table.keyed != keyed for other in others):
                self.plotted.clear()  # by another clock: the board's own, or the computer's
            self.plotted.append(one)
        if bool(self.plotted) != (self.panel == "plot"):
            self.action_panel("plot")
        self.draw()

    def action_keep(self) -> None:
        """Pin the map that is shown, as it is."""
        shown = self.monitor.shown
        if shown is None:
            return

        def done(result: object) -> None:
            if isinstance(result, Exception):
                said = str(result)
            else:
                assert isinstance(result, tuple)
                written, seconds = result
                said = (
                    f"pinned {shown.name}: {written} bytes written, the program stood still for {seconds * 1e3:.1f} ms"
                )
                self._about.soon()
            self._post(Pinned(said))

        self.monitor.do(lambda _: shown.map.pin(), done)

    def on_pinned(self, event: Pinned) -> None:
        """Say what has come of pinning."""
        self.say(event.said)

    def action_export(self) -> None:
        """Write what is seen to a file."""
        shown = self.monitor.shown
        if shown is None:
            return
        try:
            path = export(shown.table, *self.grid.seen())
        except OSError as error:
            self.say(f"nothing was written: {error.strerror}: {error.filename}")
        else:
            self.say(f"wrote {path}")

    def action_filter(self) -> None:
        """Ask what is to be left."""
        box = self.query_one("#filter", Input)
        self._filtered: Any = self.focused if isinstance(self.focused, MapList) else self.grid
        box.value = self._filtered.filter
        box.display = True
        self.screen.set_focus(box)  # at once: the next key is typed into it

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while it is typed."""
        if event.input.id == "filter" and event.input.display:
            self._filtered.filter = event.value
            self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter."""
        if event.input.id == "filter":
            event.input.display = False
            self._filtered.focus()

    def action_dismiss(self) -> None:
        """Leave the filter, show all again, take note of how the program ended."""
        box = self.query_one("#filter", Input)
        if box.display:
            self._filtered.filter = ""
            box.display = False
            self._filtered.focus()
        elif self.grid.filter or self.query_one(MapList).filter:
            self.grid.filter = self.query_one(MapList).filter = ""
        else:
            self.monitor.ended = ""
            self.said = ""
        self.draw()

    def action_help(self) -> None:
        """Show all keys."""
        if isinstance(self.screen, Small):
            self.pop_screen()
        self.push_screen(Help())

    def action_leave_help(self) -> None:
        """Show the view again."""
        self.pop_screen()
        self._fit(self.size)

    async def action_quit(self) -> None:
        """Leave. What is staged is lost then, so that is said first; where the view is covered it is said all the time."""
        unwritten = self.staging.unwritten()
        warning = f"{unwritten} w writes {'it' if len(self.staging) == 1 else 'them'}, q again leaves."
        if unwritten and self.said != warning and not isinstance(self.screen, Small):
            self.say(warning)
        else:
            self.exit(0)

    def action_interrupt(self) -> None:
        """Ctrl-C: leave, with the status of one that was interrupted."""
        self.exit(_INTERRUPTED)

    def on_unmount(self) -> None:
        """Draw nothing more."""
        self._stopped = True


def _one_line(text: str) -> str:
    """Return an error on one line: of a traceback its last line."""
    lines = [line for line in harmless(text).splitlines() if line.strip()]
    return lines[0] if len(lines) < 2 else f"{lines[0]} {lines[-1].strip()}"

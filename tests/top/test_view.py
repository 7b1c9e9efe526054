"""`boardmaps top`, key by key, on maps of the twin: what is seen, what is written, and what is not.

More than 300 lines: one test a thing that a key does.
"""

import csv
from pathlib import Path

import pytest
from textual.widgets import Input

from boardmaps import ArrayMap, HashMap, TimeSeries
from boardmaps_host import Board
from boardmaps_host.live.tables import Table
from boardmaps_host.top.app import Top
from boardmaps_host.top.editor import Editor, Typed
from boardmaps_host.top.grid import Grid
from boardmaps_host.top.maplist import MapList
from tests.top.screen import Screen, view


def test_maps_and_entries_by_name(board: Board) -> None:
    async def use(screen: Screen) -> None:
        text = await screen.sees("kitchen", "20.00", "heat", "Quit", "5.00..35.00")
        lines = text.splitlines()
        assert "twin a board" in lines[0]
        (rooms,) = [line for line in lines if line.startswith(" rooms")]
        assert rooms.split()[1] == "hash"
        assert "temp °C" in text
        assert "runs!+" in text
        assert "5.00..35.00 step 0.50" in text, "the cell under the cursor, in full"
        assert "Quit" in lines[-1], "the help line"
        assert all(len(line) <= 80 for line in lines)
        await screen.press("shift+tab", "down")
        await screen.sees("key value", "3")

    view(board, use)


def test_a_change_of_somebody_else_is_marked(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.sees("22.00")
        assert "•" not in screen.text
        board.maps.rooms["bath"].temp = 23
        await screen.sees("23.00•")

    view(board, use)


def test_a_cell_is_typed_and_written_at_once(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("enter")
        await screen.sees("rooms kitchen temp  now 20.00 °C", "●")
        await screen.type("40")
        await screen.press("enter")
        await screen.sees("40.00 is not in the range 5.00..35.00 °C")
        assert board.maps.rooms["kitchen"].temp == 20
        await screen.type("21.5")
        await screen.press("enter")
        await screen.sees("wrote rooms kitchen temp=21.50")
        assert board.maps.rooms["kitchen"].temp == 21.5

    view(board, use)


def test_the_last_line_has_the_keys_that_do_something_now(board: Board) -> None:
    async def use(screen: Screen) -> None:
        async def shows(keys: str) -> None:
            await screen.until(lambda: screen.lines[-1].strip() == keys, keys)

        await screen.press("enter")
        await shows("⏎ Write  ▲▼ Step  esc Leave")
        await screen.sees("●", "Enter writes, Esc leaves, ▲▼ steps")
        await screen.press("escape", "slash")
        await shows("⏎ Keep  esc Show all")
        await screen.press("escape")
        await shows("⏎ Edit  s Stage  g Plot  c Console  / Filter  space Pause  ? Help  q Quit")

    view(board, use)


def test_steps_slider_and_choice(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("enter", "up", "up", "down", "enter")
        await screen.sees("wrote rooms kitchen temp=20.50")
        await screen.press("right", "enter")
        await screen.sees("▲▼  off  heat  cool")
        await screen.press("down", "enter")
        await screen.sees("wrote rooms kitchen mode=cool")
        await screen.press("right", "plus")
        await screen.sees("wrote rooms kitchen on=true")
        await screen.press("home", "left", "left", "plus", "plus", "plus", "minus", "plus")
        await screen.sees("22.00")
        record = board.maps.rooms["kitchen"]
        assert (record.temp, record.mode, record.on) == (22, "cool", True)
        await screen.press("right", "right", "right", "enter")
        await screen.sees("only the firmware writes it")

    view(board, use)


@pytest.mark.parametrize(
    ("keys", "typed"),
    [
        ("backspace backspace backspace 2 0 0", "200"),
        ("2 1 backspace 3 home 1 delete 0", "103"),
        ("2 1 . 5 up up backspace", "22.5"),
        ("- 5", "-5"),
        ("q s w + u", "qsw+u"),
    ],
)
def test_keys_that_come_faster_than_they_are_taken_are_taken_in_order(board: Board, keys: str, typed: str) -> None:
    async def use(screen: Screen) -> None:
        board.link.changed = False
        await screen.press_at_once("enter", *keys.split())
        await screen.until(lambda: screen.app.editor.opened and screen.app.query_one(Typed).value == typed, typed)
        assert not board.link.changed, "no request that changes anything was made"

    view(board, use)


def test_a_cell_that_is_left_as_it_was_writes_nothing(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.sees("20.00")
        board.link.changed = False
        await screen.press("enter", "enter")
        await screen.press("enter", "up", "down", "enter")
        await screen.press("enter", "up", "escape")
        await screen.until(lambda: not screen.app.editor.opened)
        assert not board.link.changed, "no request that changes anything was made"

    view(board, use)


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_a_cell_that_somebody_else_changed_says_so(board: Board, columns: int) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("enter")
        board.maps.rooms["kitchen"].temp = 18
        await screen.sees("now 18.00 °C")
        await screen.type("25")
        await screen.press("enter")
        await screen.reads(
            "somebody else has changed it from 20.00 °C to 18.00 °C; nothing was written. "
            "Enter writes over it, Esc leaves it."
        )
        assert board.maps.rooms["kitchen"].temp == 18
        await screen.press("enter")
        await screen.sees("wrote rooms kitchen temp=25.00")
        assert board.maps.rooms["kitchen"].temp == 25

    view(board, use, size=(columns, 24))


@pytest.mark.parametrize("columns", [60, 80])
def test_what_is_to_be_done_with_staged_edits_is_read_in_full(board: Board, columns: int) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("s", "plus")
        await screen.sees("STAGED 1")
        board.maps.rooms["kitchen"].temp = 18
        await screen.press("w")
        await screen.reads("nothing was written. w writes all the same, u drops one")

    view(board, use, size=(columns, 24))


def test_staged_edits_are_written_together_or_not_at_all(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("s", "plus", "down", "plus", "right", "plus")
        await screen.sees("STAGED 3", "20.50»", "22.50»", "heat»")
        assert board.maps.rooms["kitchen"].temp == 20, "nothing is written yet"
        await screen.press("u")
        await screen.sees("STAGED 2")
        await screen.press("plus")
        rooms = board.maps.rooms
        rooms["kitchen"].temp = 18
        await screen.press("w")
        await screen.sees("STAGED 3", "somebody else has changed it", "w writes all the same")
        assert (rooms["kitchen"].temp, rooms["bath"].temp, rooms["bath"].mode) == (18, 22, "off")
        await screen.press("w")
        await screen.sees("STAGED 0", "wrote rooms kitchen temp=20.50, rooms bath temp=22.50, rooms bath mode=heat")
        assert (rooms["kitchen"].temp, rooms["bath"].temp, rooms["bath"].mode) == (20.5, 22.5, "heat")

    view(board, use, size=(200, 24))


def test_what_is_staged_is_not_lost_without_a_word(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("s", "plus", "q")
        await screen.sees("1 staged edit is not written. w writes it, q again leaves.", "STAGED 1")
        await screen.press("down", "plus", "q")
        await screen.sees("2 staged edits are not written. w writes them, q again leaves.", "STAGED 2")
        await screen.press("q")

    assert view(board, use).return_value == 0
    assert (board.maps.rooms["kitchen"].temp, board.maps.rooms["bath"].temp) == (20, 22)


def test_a_terminal_that_is_too_small_says_that_something_is_staged(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("s", "plus")
        await screen.sees("STAGED 1")
        await screen.resize(40, 10)
        await screen.sees("1 staged edit is not written.")
        await screen.press("q")

    assert view(board, use).return_value == 0


def test_maps_without_a_name_are_told_apart(board: Board) -> None:
    first, second = (board.create_map(ArrayMap, value_size=1, max_entries=1) for _ in range(2))

    async def use(screen: Screen) -> None:
        await screen.press("shift+tab", "end", "tab", "s", "plus")
        await screen.sees("STAGED 1", "1»")
        await screen.press("shift+tab", "up", "tab")
        await screen.until(lambda: "»" not in screen.text)
        await screen.press("w")
        await screen.sees(f"wrote id {second.id} 0 value=1")
        assert (first.lookup(0), second.lookup(0)) == (b"\0", b"\1")

    view(board, use)


def test_what_is_staged_for_a_map_that_was_made_anew_is_not_written(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("s", "plus")
        await screen.sees("STAGED 1")
        rooms = next(info for info in board.maps() if info.name == "rooms")
        board.pool.reset()
        board.create_map(ArrayMap, value_size=rooms.value_size, max_entries=1, name="rooms")
        await screen.until(lambda: "kitchen" not in screen.text)
        await screen.press("w")
        await screen.sees("rooms: the board has no such map any more", "STAGED 1")

    view(board, use)


def test_a_mistake_of_ours_ends_the_view(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    async def use(screen: Screen) -> None:
        await screen.sees("kitchen")
        monkeypatch.setattr(Table, "take", lambda *_: 1 // 0)
        await screen.until(lambda: not screen.app.is_running)

    with pytest.raises(ZeroDivisionError):
        view(board, use)


def test_a_cell_is_plotted_and_a_series_by_its_own_time(board: Board) -> None:
    board.create_map(TimeSeries, name="temps", value="temp:i16/100 °C, hum:u8", max_entries=50, field="temp")
    for n in range(30):
        board.maps.temps.push(1000 + 10 * n, {"temp": 20 + n % 5, "hum": n})

    async def use(screen: Screen) -> None:
        await screen.press("g")
        board.maps.rooms["kitchen"].temp = 25
        await screen.sees("━ rooms kitchen temp °C 25", "25 │", "20 │", "now")
        await screen.press("shift+tab", "end", "tab", "g")
        await screen.sees("━ temps temp °C 24", "1000", "1290")
        assert "rooms kitchen temp °C 25" not in screen.text, "it has another clock"
        await screen.press("g")
        await screen.until(lambda: "━" not in screen.text)

    view(board, use)


def test_what_is_below_the_table(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("c")
        screen.app.monitor.printed("the firmware speaks\n\x1b[2Jclear\n")
        await screen.sees("the firmware speaks", "\\x1b[2Jclear")
        await screen.press("o")
        await screen.sees("this board has no pool")
        await screen.press("b")
        await screen.sees("0 frames sent again", "no crash on record")
        await screen.press("b")
        await screen.until(lambda: "no crash on record" not in screen.text)

    view(board, use)


def test_filter_pause_and_export(board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def use(screen: Screen) -> None:
        await screen.press("slash", *"BATH", "enter")
        await screen.until(lambda: "kitchen" not in screen.text and "bath" in screen.text)
        await screen.press("e")
        await screen.sees("wrote boardmaps-rooms-")
        (file,) = tmp_path.iterdir()
        assert list(csv.reader(file.read_text().splitlines())) == [
            ["key", "temp [°C]", "mode", "on", "runs"],
            ["bath", "22.00", "off", "false", "0"],
        ]
        await screen.press("slash")
        await screen.type("mod")
        await screen.press("enter")
        await screen.until(lambda: "temp °C" not in screen.text and "kitchen" in screen.text)
        await screen.press("escape")
        await screen.sees("temp °C")
        await screen.press("space")
        await screen.sees("PAUSED")
        board.maps.rooms["attic"].temp = 30
        await screen.press("down", "up")
        assert "30.00" not in screen.text
        await screen.press("space")
        await screen.sees("30.00")

    view(board, use)


def test_a_table_is_turned(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("x")
        await screen.sees("field", "attic")
        (line,) = [line for line in screen.lines if "temp °C" in line]
        assert line.split()[-3:] == ["20.00", "22.00", "21.00"]
        await screen.press("right", "down", "plus")
        await screen.sees("wrote rooms bath mode=heat")
        assert board.maps.rooms["bath"].mode == "heat"

    view(board, use)


def test_many_entries_scroll(board: Board) -> None:
    board.create_map(HashMap, name="many", key="n:u16", value="x:u16 \u202eC, y:u16", max_entries=500)
    for n in range(300):
        board.maps.many[n] = {"x": n, "y": n}

    async def use(screen: Screen) -> None:
        await screen.press("shift+tab", "end", "tab", "end")
        text = await screen.sees("299")
        assert "x \\u202eC" in text, "what a board says turns no writing round"
        assert "\u202e" not in text
        await screen.press("home")
        await screen.until(lambda: "299" not in screen.text)

    view(board, use)


LEAVING = {"q", "ctrl+q", "ctrl+c"}
KEYS = {key for part in (Top, Grid, MapList, Editor, Input) for key in part._merge_bindings().key_to_bindings}


@pytest.mark.parametrize("where", ["table", "line"])
def test_nothing_is_edited_unseen_in_a_terminal_that_is_too_small(board: Board, where: str) -> None:
    assert {"plus", "minus", "enter", "s", "w", "u", "k", "up", "backspace"} <= KEYS

    async def use(screen: Screen) -> None:
        await screen.press("s", "plus", "right")
        await screen.sees("STAGED 1")
        await screen.until(lambda: screen.text.count("0/s") == 3, "the rates, which change no more")
        if where == "line":
            await screen.press("enter")
            await screen.sees("now heat")
        before = screen.lines[1:]  # the first has the round trip
        board.link.changed = False
        await screen.resize(40, 10)
        await screen.sees("40 columns and 10")
        await screen.press(*sorted(KEYS - LEAVING - {"question_mark"}), "2")
        assert not board.link.changed, "no request that changes anything was made"
        await screen.resize(80, 24)
        await screen.until(lambda: screen.lines[1:] == before, f"the {where} as it was")

    view(board, use)


def test_the_help_is_read_in_a_small_terminal_and_in_one_that_grows(board: Board) -> None:
    async def use(screen: Screen) -> None:
        assert "40 columns and 10 lines; 60 and 16 are needed" in " ".join(screen.text.split())
        await screen.press("question_mark", "escape")
        await screen.sees("40 columns")
        await screen.press("question_mark")
        await screen.resize(80, 24)
        await screen.sees("move; Tab goes between")
        await screen.press("escape")
        await screen.sees("kitchen", "Quit")

    view(board, use, size=(40, 10))


@pytest.mark.parametrize(("key", "status"), [("q", 0), ("ctrl+c", 130)])
def test_it_ends_with_a_status(board: Board, key: str, status: int) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("question_mark")
        await screen.sees("move; Tab goes between")
        await screen.press("escape", key)

    assert view(board, use).return_value == status


def test_ctrl_c_ends_it_also_while_a_cell_is_edited(board: Board) -> None:
    async def use(screen: Screen) -> None:
        await screen.press("enter", "up", "ctrl+c")

    assert view(board, use).return_value == 130
    assert board.maps.rooms["kitchen"].temp == 20

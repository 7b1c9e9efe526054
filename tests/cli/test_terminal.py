"""What a board sends reaches a terminal harmlessly, on every way that there is: prints, error texts, names, dumps."""

import ast
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from struct import pack
from typing import Any

import click
import pytest

from boardmaps.abi import INFO_FORMAT
from boardmaps.errors import MapError
from boardmaps_host.cli import output
from boardmaps_host.cli.options import Real
from boardmaps_host.cli.root import boardmaps as root
from boardmaps_host.cli.run import run as run_here
from boardmaps_host.client import FirmwareError
from boardmaps_host.client.info import MapInfo, answer
from boardmaps_host.deploy import DeployError, deploy
from boardmaps_host.terminal import harmless
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command

CLI = Path(output.__file__).parent

# Title, clipboard, clear, colour; a C1 CSI and OSC; bell, backspace, carriage return alone, DEL, shift out; marks that turn text.
HOSTILE = (
    "\x1b]0;title\x07",
    "\x1b]52;c;cm0gLXJm\x1b\\",
    "\x1b[2J",
    "\x9b31m",
    "\x9d0;title\x9c",
    "a\rb",
    "\x08\x7f\x0e\x00\x0b\x0c",
    "\u202egnp.exe",
    "\u2028\ufeff\u200b",
)
PROGRAM = f"""
import boardmaps, time
boardmaps.ArrayMap(4, 1, 0, "m")
hash = boardmaps.HashMap(8, 8, 4, name="h")
hash.update(b"\\x1b]0;t\\x07\\r\\n", b"\\x9b31m\\x1b[2J")
while True:
    boardmaps.poll()
    time.sleep_ms(20)
    for text in {HOSTILE!r}:
        print("[" + text + "] 21 °C")
"""


def controls(text: str) -> set[str]:
    """Return the characters in `text` that a terminal may obey, or that cannot be seen."""
    return {char for char in text if not char.isprintable() and char not in "\n\t"}


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UnixBoard]:
    """A board whose program prints what a terminal would obey."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "main.py").write_text(PROGRAM)
    with UnixBoard(port=folder / "port") as board:
        deploy(board.port, app=folder / "main.py")
        yield board


@pytest.mark.parametrize("encoding", ["ascii", "utf-8"])
def test_what_the_program_prints(hostile: UnixBoard, run: Command, encoding: str) -> None:
    """Also where the terminal cannot show it: on an ASCII one ° is a ?."""
    done = run("console", "--port", hostile.port, "--for", "0.5", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert controls(done.stdout) == set()
    assert r"[\x1b]0;title\x07] 21 " in done.stdout
    assert r"[\x9b31m] 21 " in done.stdout
    assert r"[a\rb] 21 " in done.stdout
    assert r"[\u202egnp.exe] 21 " in done.stdout
    assert ("21 ?C" in done.stdout) == (encoding == "ascii")


def test_raw_into_a_pipe_only(
    hostile: UnixBoard, run: Command, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done = run("console", "--raw", "--port", hostile.port, "--for", "0.5")
    assert done.returncode == 0
    assert "[\x1b[2J] 21 °C\n" in done.stdout
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert run_here(["console", "--raw", "--port", hostile.port]) == 2
    assert "--raw is for a pipe" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", ["map show", "map dump h", "map watch h --for 0.1", "map getnext h", "pool", "console --for 0.3"]
)
@pytest.mark.parametrize("form", ["", "--json", "--pretty"])
def test_what_the_maps_hold(hostile: UnixBoard, run: Command, words: str, form: str) -> None:
    done = run(*words.split(), *form.split(), "--port", hostile.port)
    assert done.returncode == 0, done.stderr
    assert controls(done.stdout + done.stderr) == set()


@pytest.mark.parametrize("text", HOSTILE)
def test_names_error_texts_and_tracebacks(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """As a traceback of Python shows them, too: there is no command between."""
    sent = text.encode()[:16]
    info = MapInfo.unpack(pack(INFO_FORMAT, *range(9), 0, sent, 1, 0))
    assert controls(info.name) == set()
    with pytest.raises(MapError) as refused:
        answer(b"\x01" + text.encode())
    for error in (refused.value, FirmwareError(f"ended:\n{text}", text), DeployError(text)):
        assert controls(str(error)) == set()
    output.say(text)
    output.note(text)
    output.show(text)
    output.error(text)
    output.table((text, "n#"), [(text, text)])
    output.as_json({text: text})
    printed = capsys.readouterr()
    assert controls(printed.out + printed.err) == set()


def test_a_cell_of_a_table_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    for text in HOSTILE:
        output.table(("name", "n#"), [(text, 1), ("[red]markup[/red]", 2)])
    drawn = capsys.readouterr().out
    assert controls(drawn) <= {"\x1b"}  # rich's own colours
    assert "\x1b]" not in drawn
    assert "[red]markup[/red]" in drawn


def test_nothing_is_printed_past_the_one_place() -> None:
    """Every print, write and echo of the command stands in output.py; what is there passes harmless()."""
    found = []
    for module in CLI.glob("*.py"):
        if module.name == "output.py":
            continue
        for node in ast.walk(ast.parse(module.read_text("utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            if called in ("print", "sys.stdout.write", "sys.stderr.write", "sys.stdout.buffer.write", "click.secho"):
                found.append(f"{module.name}:{node.lineno}: {called}")  # type: ignore[attr-defined]
            if called == "click.echo" and "format_message" not in ast.unparse(node):  # click's help in its colours
                found.append(f"{module.name}: {called}")
    assert found == []


def test_harmless_leaves_text_as_it_is() -> None:
    text = "Küche 21 °C\n\t└ “ok” 漢字 🙂"
    assert harmless(text) == text
    assert harmless("\ud800") == r"\ud800"
    begun = time.monotonic()
    harmless("\x1b" * 1_000_000)
    assert time.monotonic() - begun < 10


def leaves(command: click.Command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk every command that is none of others."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*words, name))
    else:
        yield words, command


def test_every_number_of_an_option_is_bounded() -> None:
    """A number that no clock, no memory and no C type takes is refused when it is read, not with a traceback later."""
    numbers = (click.types.IntParamType, click.types.FloatParamType)
    seen = 0
    for words, command in leaves(root):
        for option in command.params:
            if isinstance(option.type, numbers):
                assert isinstance(option.type, click.IntRange | Real), (words, option.name)
                kind: Any = option.type
                assert kind.min is not None, (words, option.name)
                assert kind.max is not None, (words, option.name)
                for value in ("nan", "inf", "-inf", "1e400", "9" * 400):
                    with pytest.raises(click.UsageError):
                        kind.convert(value, option, None)
                seen += 1
    assert seen > 10


JSON_LEAVES = sorted(
    " ".join(words) for words, command in leaves(root) if any("--json" in p.opts for p in command.params)
)


@pytest.mark.parametrize("flag", ["-j", "--json", "-p", "--pretty"])
@pytest.mark.parametrize("words", JSON_LEAVES)
def test_json_and_pretty_before_and_behind_every_command(
    words: str, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same document wherever it is asked for: here the error of a wrong option, which each command has."""
    first, *rest = words.split()
    lines = [[flag, first, *rest], [first, *rest, flag]] + [[first, flag, *rest]] * bool(rest)
    documents = []
    for line in lines:
        assert run_here([*line, "--no-such-option"]) == 2
        printed = capsys.readouterr().out
        documents.append(json.loads(printed))
        assert (printed.count("\n") > 1) == (flag in ("-p", "--pretty")), line
    assert "No such option" in documents[0]["error"]
    assert all(document == documents[0] for document in documents)

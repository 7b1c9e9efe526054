"""Board definitions: what the tools need to know of a board, one TOML file a board in `boards/`.

`load(name)` gives one, `all_boards()` all, `load_file(path)` reads a user's own. A file with a mistake raises
DefinitionError, which names the file, the key, what stands there, and what may.
"""

import importlib.resources
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, TypeVar

ARCHITECTURES = (
    *("x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp"),
    *("xtensa", "xtensawin", "rv32imc", "rv64imc"),
)
GUARDS = ("none", "irq", "irq+lock")
LINES = ("usb", "uart")
NETWORKS = ("none", "wifi", "ethernet", "host")
FLASHERS = ("uf2", "esptool", "dfu", "bossac", "none")
SIMULATORS = ("unix", "pico", "qemu")
WORDS = (32, 64)
POOL_MIN = 256  # bytes, what the board takes; a definition says 1024 or more
POOL_MAX = 65_536  # bytes: links and offsets in a pool are 16 and 32 bits wide, and the design's bound is 64 KB

_Value = TypeVar("_Value", int, str)


class DefinitionError(Exception):
    """A board that is not there, or whose file has a mistake; the text says which and what may stand there."""


@dataclass(frozen=True, slots=True)
class Line:
    """How a board talks to the computer. `receive` is how many bytes it can hold that it has not read yet."""

    kind: str
    receive: int


@dataclass(frozen=True, slots=True)
class MicroPython:
    """Where a board's MicroPython comes from (`source`) and how it gets there: `flash` is the tool, `steps` say it."""

    port: str
    board: str
    source: str
    flash: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BoardDefinition:
    """One board. Sizes are bytes, `word` is bits.

    `heap` is what MicroPython has after boot, `pool` what the maps take of it, `guard` what keeps a map whole against
    hard interrupts and a second core, `simulator` which simulated board stands in for it. `network` is how MicroPython's sockets
    reach one, "none" when it has none (as it is in a file that says nothing), "host" when it is this computer's.
    """

    name: str
    title: str
    mcu: str
    cores: int
    word: int
    arch: str
    heap: int
    pool: int
    guard: str
    stubs: str
    simulator: str
    line: Line
    micropython: MicroPython
    network: str = "none"

    @property
    def heap_left(self) -> int:
        """The heap that a program has beside the pool, in bytes."""
        return self.heap - self.pool

    @property
    def settings(self) -> dict[str, int | str]:
        """What boardmaps_config.py on the board says, name to value. Only a guard with a lock is for more than one CPU."""
        cpus = self.cores if self.guard == "irq+lock" else 1
        return {"POOL_SIZE": self.pool, "GUARD": self.guard, "CPUS": cpus}

    @property
    def over_resets(self) -> str:
        """What becomes of maps with a name in a reset, on stock firmware: "kept", "kept, not tried on a board" or "not kept"."""
        if self.micropython.port != "rp2":
            return "not kept"
        return "kept" if self.mcu == "RP2040" else "kept, not tried on a board"

    @property
    def is_hardware(self) -> bool:
        """Whether there is such a board to hold in the hand; the simulators' own definitions say no."""
        return self.micropython.flash != "none"


def board_names() -> list[str]:
    """Return the names that load() takes, sorted."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load(name: str) -> BoardDefinition:
    """Return the definition called `name` (as in boards/NAME.toml). Raises DefinitionError when there is none."""
    names = board_names()
    if name not in names:
        raise DefinitionError(
            f"no board is called {name!r}; there are {', '.join(names)}, or give a file: ./my_board.toml"
        )
    entry = _folder() / f"{name}.toml"
    return _parse(name, str(entry), entry.read_bytes())


def all_boards() -> list[BoardDefinition]:
    """Return every definition that comes with boardmaps, sorted by name."""
    return [load(name) for name in board_names()]


def load_file(path: str | Path) -> BoardDefinition:
    """Return the definition in the TOML file at `path`; its name is the file's. Raises DefinitionError."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DefinitionError(f"{path}: cannot be read: {error.strerror}") from error
    return _parse(path.stem, str(path), content)


def find(name_or_path: str) -> BoardDefinition:
    """Return load_file() of what looks like a path (a slash in it, or .toml at its end), else load()."""
    if name_or_path.endswith(".toml") or "/" in name_or_path or "\\" in name_or_path:
        return load_file(name_or_path)
    return load(name_or_path)


def _folder() -> Traversable:
    """The definitions: inside boardmaps_sim when installed as a wheel, the checkout's boards/ folder otherwise."""
    installed = importlib.resources.files("boardmaps_sim") / "boards"
    return installed if installed.is_dir() else Path(__file__).resolve().parents[3] / "boards"


def _parse(name: str, where: str, content: bytes) -> BoardDefinition:
    try:
        data = tomllib.loads(content.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DefinitionError(f"{where}: is not TOML: {error}") from error
    top = _Table(where, "", data)
    line = _Table(where, "line.", top.table("line"))
    micropython = _Table(where, "micropython.", top.table("micropython"))
    board = BoardDefinition(
        name=name,
        title=top.text("title"),
        mcu=top.text("mcu"),
        cores=top.number("cores", 1, 64),
        word=top.one_of("word", WORDS),
        arch=top.one_of("arch", ARCHITECTURES),
        heap=top.number("heap", 1, 2**31),
        pool=top.number("pool", 1024, POOL_MAX),
        guard=top.one_of("guard", GUARDS),
        stubs=top.text("stubs"),
        simulator=top.one_of("simulator", SIMULATORS),
        line=Line(kind=line.one_of("kind", LINES), receive=line.number("receive", 1, 2**20)),
        micropython=MicroPython(
            port=micropython.text("port"),
            board=micropython.text("board"),
            source=micropython.text("from"),
            flash=micropython.one_of("flash", FLASHERS),
            steps=micropython.texts("steps"),
        ),
        network=top.one_of("network", NETWORKS) if "network" in data else "none",
    )
    top.may_have("network")
    for table in (top, line, micropython):
        table.refuse_others()
    if board.pool % 8:
        raise DefinitionError(f"{where}: pool is {board.pool}; allowed is a multiple of 8 bytes")
    if board.pool >= board.heap:
        raise DefinitionError(f"{where}: pool is {board.pool}; allowed is less than heap, which is {board.heap}")
    return board


class _Table:
    """One table of a file, read key by key; every mistake names the file, the key and the allowed values."""

    def __init__(self, where: str, prefix: str, data: Mapping[str, Any]) -> None:
        self._where = where
        self._prefix = prefix
        self._data = data
        self._known: set[str] = set()

    def text(self, key: str) -> str:
        return str(self._take(key, lambda v: isinstance(v, str) and v.strip() != "", "a text that is not empty"))

    def texts(self, key: str) -> tuple[str, ...]:
        def good(value: object) -> bool:
            return isinstance(value, list) and bool(value) and all(isinstance(v, str) and v for v in value)

        return tuple(self._take(key, good, "a list of texts, at least one"))

    def number(self, key: str, low: int, high: int) -> int:
        def good(value: object) -> bool:
            return type(value) is int and low <= value <= high  # a bool is no number here

        return int(self._take(key, good, f"a whole number from {low} to {high}"))

    def one_of(self, key: str, allowed: tuple[_Value, ...]) -> _Value:
        def good(value: object) -> bool:
            return value in allowed and type(value) is type(allowed[0])

        choices = ", ".join(str(choice) for choice in allowed)
        taken: _Value = self._take(key, good, f"one of {choices}")
        return taken

    def table(self, key: str) -> dict[str, Any]:
        return dict(self._take(key, lambda v: isinstance(v, dict), f"a table, [{key}]"))

    def may_have(self, key: str) -> None:
        """Let a key stand there that may be missing."""
        self._known.add(key)

    def refuse_others(self) -> None:
        for key in self._data:
            if key not in self._known:
                known = ", ".join(self._prefix + k for k in sorted(self._known))
                raise DefinitionError(f"{self._where}: {self._prefix}{key} is not a key; allowed are {known}")

    def _take(self, key: str, good: Callable[[Any], bool], allowed: str) -> Any:
        self._known.add(key)
        if key not in self._data:
            raise DefinitionError(f"{self._where}: {self._prefix}{key} is missing; allowed is {allowed}")
        value = self._data[key]
        if not good(value):
            raise DefinitionError(f"{self._where}: {self._prefix}{key} is {value!r}; allowed is {allowed}")
        return value

"""bpftool on the kernel's maps and our command on the twin's, with the same words and the same content: the same JSON.

What differs is listed here, field by field, with the reason; a list that says too much fails too.
"""

import json
import os
import random
import struct
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from boardmaps.schema import Types
from boardmaps_host import kinds, twin
from boardmaps_host.cli.run import run as run_here
from tests.differential.btf import Btf
from tests.differential.kernel import KernelMap, load_types, possible_cpus
from tests.export.engines import program

KEYED = ("hash", "array", "percpu_hash", "percpu_array", "lru_hash", "lpm_trie")
TYPED = KEYED[:-1]  # the kernel has no names for the keys of a trie
NAME = f"bm{os.getpid()}"
NO_PREALLOC = 1  # the kernel's tries want it, ours do not (docs/maps.md)
ENTRIES = 6

KEY = "room:8s"
VALUE = (
    "temp:i16, mode:u8{off,heat,cool=4}, on:bool, runs:u32, name:8s, list:u8[3], big:i64, small:i8, "
    "fixed:i16/100, marks:u8&{low,high}, raw:2b"
)
FORMAT = "<hBBI8s3BqbhB2s"
# What `formatted` has otherwise than bpftool, and why.
FIELDS = {
    "fixed": "a number of its unit, where BTF has the whole number that is stored",
    "marks": "the names of the bits that are set, where BTF has the number",
}
# The same of `map show`.
SHOWN = {"id": "each counts its own", "bytes_memlock": "what a map takes here", "entries": "bpftool does not count"}

Both = Callable[..., tuple[Any, Any]]


@pytest.fixture
def both(kernel: None, capsys: pytest.CaptureFixture[str]) -> Both:
    """both(*words) gives what bpftool prints and what we do, with the same words behind `map`."""
    bpftool = program("bpftool", "bpftool")

    def run(*words: str) -> tuple[Any, Any]:
        theirs = subprocess.run([bpftool, "-j", "map", *words], capture_output=True, text=True, check=False)
        capsys.readouterr()
        status = run_here(["-j", "map", *words, "--port", "twin"])
        ours = capsys.readouterr().out
        assert (theirs.returncode != 0) == (status != 0), (theirs, ours)
        return json.loads(theirs.stdout), json.loads(ours)

    return run


@pytest.fixture
def make(kernel: None) -> Iterator[Callable[[str, bool], Any]]:
    """make(kind, typed) gives a map of the kernel's, and makes one of the twin's with the same name and definition."""
    with ExitStack() as stack:
        stack.enter_context(twin.Registry())

        def new(word: str, typed: bool) -> Any:
            kind = next(kind for kind in kinds.KINDS if kind.word == word)
            value_size = struct.calcsize(FORMAT) if typed else 4
            key_size = 0 if not kind.key_least else 4 if kind.indexed else 8
            text = f"{'' if kind.indexed else KEY}\n{VALUE}"
            more: dict[str, Any] = {"cpus": possible_cpus()} if kind.per_cpu else {}
            of_class = getattr(twin, kind.class_name)
            sizes = [n for n in (0 if kind.indexed else key_size, value_size, ENTRIES) if n]
            if typed:
                keys = {} if kind.indexed else {"key": KEY}
                of_class.typed(NAME, **keys, value=VALUE, max_entries=ENTRIES, **more)
            else:
                of_class(*sizes, name=NAME, **more)
            flags = NO_PREALLOC if word == "lpm_trie" else 0
            types = _loaded(stack, text) if typed else (0, 0, 0)
            made = KernelMap(kind.number, key_size, value_size, ENTRIES, flags, NAME, btf=types)
            return stack.enter_context(made)

        yield new


def _loaded(stack: ExitStack, text: str) -> tuple[int, int, int]:
    types = Types(text)
    assert types.value is not None
    btf = Btf()
    key = btf.index if types.key is None else btf.field(types.key.fields[0])
    value = btf.struct("value", types.value)
    fd = load_types(btf.blob())
    stack.callback(os.close, fd)
    return fd, key, value


def words_of(data: bytes) -> list[str]:
    return [f"0x{byte:02x}" for byte in data]


def keys_of(word: str, random_: random.Random) -> list[bytes]:
    if word in ("array", "percpu_array"):
        return [i.to_bytes(4, "little") for i in range(ENTRIES)]
    if word == "lpm_trie":
        return [struct.pack("<I4B", 8 * (i % 4) + 8, 10 + i, i, 2, 3) for i in range(4)]
    return [f"room{random_.randrange(900) + 100}".encode().ljust(8, b"\0") for _ in range(4)]


def value_of(typed: bool, random_: random.Random) -> bytes:
    """Return a value; of a typed one each name and sign comes, and text of every length."""
    if not typed:
        return random_.randbytes(4)
    text = "".join(random_.choices("abc XYZ.-", k=random_.randrange(8))).encode()
    mode, on, marks = random_.choice((0, 1, 4)), random_.randrange(2), random_.randrange(1, 4)
    whole = random_.randrange(-(2**15), 2**15), random_.randrange(2**32), random_.randrange(-(2**63), 2**63)
    fixed = random_.choice((-5, 2150, 101))
    rest = (random_.randrange(256), 0, 255, whole[2], random_.randrange(-128, 128), fixed, marks, b"\1\xff")
    return struct.pack(FORMAT, whole[0], mode, on, whole[1], text, *rest)


def without(entry: Any, names: Mapping[str, str]) -> Any:
    """Return an entry without the fields of these names, which lie in `formatted`."""
    if isinstance(entry, dict):
        return {name: without(part, names) for name, part in entry.items() if name not in names}
    return [without(part, names) for part in entry] if isinstance(entry, list) else entry


@pytest.mark.parametrize(
    ("word", "typed"), [(word, False) for word in KEYED] + [(word, True) for word in TYPED], ids=str
)
def test_the_entries_of_a_map(word: str, typed: bool, make: Any, both: Both) -> None:
    random_ = random.Random(word)
    make(word, typed)
    for key in keys_of(word, random_):
        value = value_of(typed, random_)
        theirs, ours = both("update", "name", NAME, "key", *words_of(key), "value", *words_of(value))
        assert (theirs, ours) == (None, None)
    differ = set()
    for key in keys_of(word, random.Random(word)):
        theirs, ours = both("lookup", "name", NAME, "key", *words_of(key))
        assert without(ours, FIELDS) == without(theirs, FIELDS)
        differ |= {name for name in FIELDS if typed and seen(ours, name) != seen(theirs, name)}
    if "hash" in word:
        assert both("lookup", "name", NAME, "key", *words_of(b"room nil")) == (None, None)
    assert differ == (set(FIELDS) if typed else set())
    theirs, ours = (sorted(found, key=lambda entry: entry["key"]) for found in both("dump", "name", NAME))
    assert without(ours, FIELDS) == without(theirs, FIELDS)
    if word in ("array", "percpu_array"):
        for words in (["key", "0", "0", "0", "0"], []):
            theirs, ours = both("getnext", "name", NAME, *words)
            assert ours == theirs
        theirs, ours = both("getnext", "name", NAME, "key", str(ENTRIES - 1), "0", "0", "0")
        assert (list(theirs), ours["next_key"]) == (
            ["error"],
            None,
        )  # the end: both fail, and ours says that there is none
    key = keys_of(word, random.Random(word))[0]
    if word not in ("array", "percpu_array"):
        assert both("delete", "name", NAME, "key", *words_of(key)) == (None, None)
        theirs, ours = both("dump", "name", NAME)
        assert len(theirs) == len(ours)


def seen(found: Any, name: str) -> Any:
    """Return a field of an entry, of every CPU."""
    formatted = found["formatted"]
    if "values" in formatted:
        return [one["value"][name] for one in formatted["values"]]
    return formatted["value"][name]


@pytest.mark.parametrize("word", ["queue", "stack"])
def test_a_map_without_keys(word: str, make: Any, both: Both) -> None:
    make(word, False)
    push, pop = ("enqueue", "dequeue") if word == "queue" else ("push", "pop")
    for number in range(3):
        assert both(push, "name", NAME, "value", str(number), "0", "0", "7") == (None, None)
    for take in ("peek", pop, pop):
        theirs, ours = both(take, "name", NAME)
        assert ours == theirs


@pytest.mark.parametrize("word", KEYED)
def test_what_is_shown_of_a_map(word: str, make: Any, both: Both) -> None:
    make(word, False)
    for command in ("show", "list"):
        theirs, ours = both(command, "name", NAME)
        more = {"flags": "NO_PREALLOC is the kernel's wish"} if word == "lpm_trie" else {}
        assert without(ours, SHOWN | more) == without(theirs, SHOWN | more)
        assert set(ours) - set(theirs) == {"entries"}
        assert set(theirs) <= set(ours)

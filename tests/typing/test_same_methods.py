"""One map, four lists of what it can do: the stub, the board's classes, the twin's (test_stub.py), and the client's for a map
on a board. The same names and parameters in all, but for the differences that are named here.
"""

import ast
from pathlib import Path

import pytest

import boardmaps
from boardmaps.refusals import GROUPS
from boardmaps_host.client.maps import remote_class
from boardmaps_host.client.maps.base import RemoteMap
from boardmaps_host.kinds import KINDS, by_class
from tests.board.conftest import Run
from tests.board.conftest import micropython as micropython  # noqa: PLC0414 - a fixture, for this folder too
from tests.typing.stub import Parameters, Stub, actual, declared, public

EMBEDDED, CLOUD = Stub(embedded=True), Stub(embedded=False)
CLASSES = [kind.class_name for kind in KINDS]
ON_BOARDS = [kind.class_name for kind in KINDS if kind.on_boards]

# What maps of other types have, and one without it refuses with NotSupported. The stub does not know it: a checker refuses
# earlier.
OPERATIONS = set(" ".join(GROUPS).split())
WALKS = {"__iter__", "__contains__"}

# What operations.py and sources.py ask of a map beside its operations; operations.py says what they are.
PROTOCOL = {
    "cpus",
    "by_host",
    "subscribe_needs",
    "from_definition",
    "first_number",
    "copy_sample",
    "host_count",
    "host_size",
    "host_lookup",
    "host_update",
    "host_lookup_and_delete",
    "host_next",
    "host_parameters",
    "host_peek",
    "host_read",
    "host_add",
    "host_swap",
    "host_push",
    "host_samples",
    "host_subscribe",
}


def refused(name: str) -> set[str]:
    """Return what the maps of a class refuse, walks included when they have no keys()."""
    kind = by_class(name)
    assert kind is not None
    return {op for op in OPERATIONS if not kind.has(op)} | (set() if kind.has("keys") else WALKS) | {"resize"}


# Arrays and hashes of one value a key have these, a PerCpuArray and a PerCpuHash refuse them; a board loads them on demand.
ON_DEMAND = {
    *("fetch_or", "fetch_and", "fetch_xor", "exchange"),
    *("add_into", "fetch_or_into", "fetch_and_into", "fetch_xor_into", "exchange_into"),
}
REFUSED = ON_DEMAND | {"add", "compare_and_swap", "update_part", "view"}
PARTS = ON_DEMAND | {"update_part", "view"}

# What the client has beside a map's own methods, and which of those the line does not carry
CLIENT_HAS_MORE = {
    "": {"info", "watch", "for_every_cpu", "of_every_cpu", "pin", "unpin"},
    "RingBuf": {"read_many", "records"},
    "TimeSeries": {"records"},
}
CLIENT_LACKS = {
    # create_map() makes a map; a twin is resized by the program that it is in; a board looks at its own bytes
    "": {"__init__", "typed", "field", "resize", "check"},
    "ArrayMap": {"with_entries", "view"},  # a view is of memory that is somewhere else
    "PerCpuArray": {"with_entries"},
    "RingBuf": {
        "reserve",
        "reserve_into",
        "new_record",
        "read_into",
    },  # a record is filled where its memory is; nobody knows its length before it is taken
    "LruHashMap": {"evictions"},
}
OTHER_PARAMETERS = {"batch_lookup", "batch_lookup_and_delete"}  # count: the client's default is as many as fit a frame


def of(table: dict[str, set[str]], name: str) -> set[str]:
    return table[""] | table.get(name, set())


def client_class(name: str) -> type[RemoteMap]:
    kind = by_class(name)
    assert kind is not None
    return remote_class(kind)


@pytest.mark.parametrize("name", CLASSES)
def test_a_map_over_the_line(name: str) -> None:
    cls = client_class(name)
    stub = set(CLOUD.members(name))
    instance = {"definition", "id", "name", "offset", "size", "cpus"}  # what __init__ sets
    there = public(cls) | (instance & stub)
    more = of(CLIENT_HAS_MORE, name) | refused(name)
    assert there - stub - more == {"__init__"} - stub
    assert stub - there == of(CLIENT_LACKS, name) & stub - {"__init__"}
    wrong = {
        member: (parameters, actual(getattr(cls, member)))
        for member, parameters in CLOUD.methods(name).items()
        if member in there - OTHER_PARAMETERS - {"__init__"} and parameters != actual(getattr(cls, member))
    }
    assert wrong == {}
    assert of(CLIENT_HAS_MORE, name) <= there, "a difference that is named and not there"


class Source:
    """The board's modules as text: only MicroPython can import them."""

    def __init__(self) -> None:
        trees = [ast.parse(path.read_text()) for path in sorted(Path(boardmaps.__file__).parent.rglob("*.py"))]
        nodes = [node for tree in trees for node in ast.walk(tree)]
        self._classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
        self._made = [  # functions inside functions: those that a map's constructor makes for it
            inner
            for node in nodes
            if isinstance(node, ast.FunctionDef)
            for inner in ast.walk(node)
            if isinstance(inner, ast.FunctionDef) and inner is not node
        ]

    def parameters(self, cls: str, member: str) -> list[Parameters]:
        """Return the parameters of a method: of the class's or its bases', else of all the functions that it may be."""
        found = [s for s in self._classes[cls].body if isinstance(s, ast.FunctionDef) and s.name == member]
        for base in self._classes[cls].bases:
            if not found and isinstance(base, ast.Name) and base.id in self._classes:
                inherited = self.parameters(base.id, member)
                if inherited:
                    return inherited
        return [declared(f) for f in found or (f for f in self._made if f.name == member)]


def test_the_boards_classes(micropython: Run) -> None:
    out = micropython(f"""
        from boardmaps import (
            ArrayMap, BloomFilter, HashMap, LpmTrie, PerCpuArray, PerCpuHash, Queue, RingBuf, Stack, TimeSeries
        )
        PARTS = {sorted(PARTS)}
        for m in (ArrayMap(4, 4), HashMap(4, 4, 4), PerCpuArray(4, 4), PerCpuHash(4, 4, 4),
                  Queue(4, 4), Stack(4, 4), RingBuf(64), TimeSeries(4, 4), LpmTrie(5, 4, 4), BloomFilter(4, 4)):
            special = ("__len__", "__iter__", "__contains__", "__init__")
            there = [n for n in dir(m) if n[0] != "_" or n in special]
            print(type(m).__name__, " ".join(there + [n for n in PARTS if n not in there and hasattr(m, n)]))
    """)
    there = {words[0]: set(words[1:]) for words in map(str.split, out.splitlines())}
    assert set(there) == set(ON_BOARDS)
    source = Source()
    wrong = []
    for name, members in there.items():
        stub = set(EMBEDDED.members(name))
        more = members - stub - PROTOCOL - refused(name) - WALKS
        if more | (stub - members):
            wrong.append(f"{name}: the board has {more}, the stub {stub - members}")
        for member, parameters in EMBEDDED.methods(name).items():
            found = source.parameters("Atomic" if member in ON_DEMAND else name, member)
            if not found and member in ON_DEMAND:  # one of two for all of which the parameters have one name
                found = source.parameters("Atomic", "into" if member.endswith("_into") else "told")
            if not found or any(f != parameters for f in found):
                wrong.append(f"{name}.{member}: {found} on the board, {parameters} in the stub")
    assert wrong == []


def test_the_profiles_differ_in_what_is_named_alone() -> None:
    for name in ON_BOARDS:
        assert set(CLOUD.members(name)) ^ set(EMBEDDED.members(name)) <= {"resize", "__init__"}
        assert ("resize" in CLOUD.members(name)) == (name != "BloomFilter")  # whose values are not kept
        for member, parameters in EMBEDDED.methods(name).items():
            if member != "__init__" or not name.startswith("PerCpu"):  # the twin can be told how many CPUs it has
                assert CLOUD.methods(name)[member] == parameters

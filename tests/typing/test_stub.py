"""The stub says of the cloud profile what its classes say themselves: the same names, parameters and defaults."""

import ast
import inspect

import pytest

import boardmaps
from boardmaps_host import twin
from boardmaps_host.kinds import KINDS
from boardmaps_host.twin import ringbuf, timeseries
from tests.typing.stub import Stub, actual, public
from tests.typing.test_same_methods import PROTOCOL, refused

STUB = Stub(embedded=False)
MAPS = [kind.class_name for kind in KINDS]
OTHERS = {"_Record": ringbuf.Record, "_RingState": ringbuf.RingState, "_Stats": timeseries.Stats}


@pytest.mark.parametrize("name", [*MAPS, *OTHERS])
def test_a_class_has_what_the_stub_says(name: str) -> None:
    cls: type = OTHERS[name] if name in OTHERS else getattr(twin, name)
    wrong = []
    for member, parameters in STUB.methods(name).items():
        runtime = getattr(cls, member, None)
        if runtime is None or parameters != actual(runtime):
            wrong.append((member, parameters, runtime and actual(runtime)))
    assert not wrong
    unknown = public(cls) - set(STUB.members(name))
    if issubclass(cls, tuple):
        unknown -= set(dir(tuple))
    elif name == "_Record":
        unknown.discard("__init__")  # reserve() makes records
    if name in MAPS:
        unknown -= PROTOCOL | refused(name)
    assert not unknown


def test_every_map_of_the_twin_is_in_the_stub() -> None:
    assert set(MAPS) == {name for name in STUB.classes if not name.startswith("_")}


def test_what_boardmaps_exports_is_in_the_stub() -> None:
    known = set(STUB.classes)
    for s in STUB.statements:
        if isinstance(s, ast.ImportFrom):
            known |= {alias.asname or alias.name for alias in s.names}
        elif isinstance(s, ast.FunctionDef):
            known.add(s.name)
    modules = {name for name in dir(boardmaps) if inspect.ismodule(getattr(boardmaps, name))}
    assert set(boardmaps.__all__) - modules - known == set()  # type: ignore[attr-defined]

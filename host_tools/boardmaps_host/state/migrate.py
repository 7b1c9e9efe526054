"""What the twin and a restore make of a kept map whose definition has changed: boardmaps.migrate, for the computer's maps."""

import sys
from collections.abc import Callable
from typing import Any

import boardmaps
from boardmaps.kernels import plain_check
from boardmaps_host.twin.base import CloudMap
from boardmaps_host.twin.slices import fill, to_slice

from .errors import StateError
from .slices import Slice, read

# Asked for by the function's name first: the module of that name would take its place in the package otherwise.
_module = sys.modules[boardmaps.migrate.__module__]


def take_over(new: CloudMap, loaded: CloudMap) -> str | None:
    """Have a new map hold what a loaded one does; return None, or what became of it when the definition is another one."""
    data = to_slice(loaded)
    one = read(data, hidden=False)
    if not isinstance(one, str):
        one = one.described_by(new.definition.schema)
    if not isinstance(one, str) and (new.definition, new.host_parameters()) == (one.definition, one.parameters):
        fill(new, one)
        return None
    verdict: str = _module.take_over(new, data, plain_check)[1]
    return verdict


def migrated(one: Slice, empty: CloudMap, function: Callable[[Any, Any], object]) -> Slice:
    """Return the slice of `empty`, a map of the new definition, once `function(old, new)` has filled it from a slice."""
    try:
        function(_module.Old(one.data, one.definition), empty)
    except Exception as error:
        raise StateError(
            f"the migration of {one.name!r} failed: {type(error).__name__}: {error}. Nothing was changed."
        ) from error
    found = read(to_slice(empty), hidden=False)
    assert not isinstance(found, str), found
    return found

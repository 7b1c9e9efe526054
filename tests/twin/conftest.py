"""Every test here has the twin's maps to itself, and leaves none."""

from collections.abc import Iterator

import pytest

from boardmaps import LruHashMap
from boardmaps_host.twin import Registry
from boardmaps_host.twin.ordered import Ordered


class OrderedLru(LruHashMap):
    """LruHashMap as it is where lru-dict is not installed."""

    _order = Ordered


@pytest.fixture(autouse=True)
def registry() -> Iterator[Registry]:
    with Registry() as own:
        yield own

"""Every test here has the twin's maps to itself, and leaves none."""

from collections.abc import Iterator

import pytest

from boardmaps_host.twin import Registry


@pytest.fixture(autouse=True)
def registry() -> Iterator[Registry]:
    with Registry() as own:
        yield own

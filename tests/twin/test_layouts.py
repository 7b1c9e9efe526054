"""What an LPM trie and a Bloom filter take in a board's pool, to the byte, as SPEC.md says."""

import pytest

from boardmaps import InvalidDefinition, MapDef
from boardmaps.definition import layout, slice_size
from boardmaps_host.planner import plan, read_definition


@pytest.mark.parametrize(
    ("key_size", "value_size", "n", "links", "size"),
    [(8, 4, 1, 8, 96 + 8 + 12), (8, 4, 100, 1200, 96 + 1200 + 1200), (5, 1, 3, 32, 96 + 32 + 3 * 12)],
)
def test_a_trie(key_size: int, value_size: int, n: int, links: int, size: int) -> None:
    d = MapDef(11, key_size, value_size, n)
    assert layout(d)[:2] == (96, 96 + links)
    assert slice_size(d) == (size + 7) // 8 * 8


def test_a_trie_of_more_than_a_pool_can_number() -> None:
    assert slice_size(MapDef(11, 8, 4, 16_384)) == 96 + 6 * 32_767 + 2 + 16_384 * 12 + 4
    with pytest.raises(InvalidDefinition, match="at most 16384"):
        plan([MapDef(11, 8, 4, 16_385)], 1 << 30)


def test_a_filter() -> None:
    assert slice_size(MapDef(30, 0, 8, 1000)) == 96 + 1024
    assert slice_size(MapDef(30, 0, 8, 1000, functions=15)) == 96 + 4096
    assert slice_size(MapDef(30, 0, 8, 1)) == 96 + 8
    read = read_definition({"type": "bloom_filter", "name": "seen", "value": 8, "entries": 1000, "functions": 15})
    assert read == MapDef(30, 0, 8, 1000, 0, "seen", functions=15)

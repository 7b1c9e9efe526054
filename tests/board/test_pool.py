"""StaticPool: one block, bump allocation, and maps that know when it is gone."""

import pytest

from tests.board.conftest import Run


def test_the_pool_is_64_kb_and_counts_what_it_gives(micropython: Run) -> None:
    micropython("""
        from boardmaps import StaticPool
        assert StaticPool.total_size() == StaticPool.remaining() == 64 * 1024
        assert StaticPool.used() == StaticPool.allocation_count() == 0
        block = StaticPool.allocate(1001)
        assert len(block) == 1001 and bytes(block) == bytes(1001)
        assert StaticPool.used() == 1008 and StaticPool.remaining() == 65536 - 1008
        assert StaticPool.allocation_count() == 1
    """)


def test_an_exhausted_pool_gives_none_and_moves_nothing(micropython: Run) -> None:
    micropython("""
        from boardmaps import StaticPool, InvalidDefinition
        assert StaticPool.allocate(65537) is None
        assert StaticPool.allocate(1 << 70) is None
        for bad in (0, -1, None, 1.5):
            try:
                StaticPool.allocate(bad)
                assert False, bad
            except InvalidDefinition:
                pass
        assert StaticPool.used() == StaticPool.allocation_count() == 0
        assert StaticPool.allocate(65536) is not None
        assert StaticPool.remaining() == 0 and StaticPool.allocate(1) is None
        assert StaticPool.allocation_count() == 1
    """)


def test_a_refused_map_moves_no_watermark(micropython: Run) -> None:
    out = micropython("""
        from boardmaps import ArrayMap, HashMap, InvalidDefinition, StaticPool, OutOfMemory
        ArrayMap.with_entries(8, 100, name="hits")
        used = StaticPool.used()
        for make in (
            lambda: HashMap(16, 64, 1000, name="big"),
            lambda: HashMap(512, 0xffffffff, 32767, name="huge"),
            lambda: HashMap(512, 0xffffffff, 0xffffffff, name="huge"),
            lambda: ArrayMap(0xffffffff, 0xffffffff),
        ):
            try:
                make()
                assert False
            except (OutOfMemory, InvalidDefinition) as e:
                print(e)
        assert StaticPool.used() == used and StaticPool.allocation_count() == 1
    """)
    assert "create 'big': the map needs 84144 bytes, the pool has 64640 of 65536 left" in out


def test_at_least_770_entries_of_80_bytes_fit(micropython: Run) -> None:
    micropython("""
        from boardmaps import HashMap
        m = HashMap(key_size=16, value_size=64, max_entries=770)
        for i in range(770):
            m.update(b"%016d" % i, b"%064d" % i)
        assert len(m) == 770
        assert all(m.lookup(b"%016d" % i) == b"%064d" % i for i in range(770))
    """)


def test_reset_kills_old_maps_for_good(micropython: Run) -> None:
    micropython("""
        from boardmaps import ArrayMap, HashMap, StaticPool, StaleMap
        h = HashMap(4, 4, 8, name="h"); h.update(b"aaaa", b"1111")
        a = ArrayMap(4, 8, name="a"); a.update(0, b"1111")
        walk = h.items()
        StaticPool.reset()
        assert StaticPool.used() == StaticPool.allocation_count() == 0
        new = HashMap(4, 4, 8, name="new"); new.update(b"aaaa", b"2222")
        buf = bytearray(4)
        uses = [len, lambda m: m.next_key(), lambda m: m.freeze(), lambda m: list(m.items()), lambda m: m.batch_lookup()]
        for m, key in ((h, b"aaaa"), (a, 0), (a, b"\\0\\0\\0\\0")):
            for use in uses + [lambda m: m.lookup(key), lambda m: m.lookup_into(key, buf), lambda m: m.update(key, b"3333"),
                               lambda m: m.delete(key), lambda m: m.update(key, b"3333", 1)]:
                try:
                    use(m)
                    assert False, (m, key)
                except StaleMap:
                    pass
        try:
            next(walk)
            assert False
        except StaleMap:
            pass
        assert list(new.items()) == [(b"aaaa", b"2222")]
    """)


def test_a_smaller_pool_from_the_boards_configuration(micropython: Run) -> None:
    micropython("""
        import sys
        class config: POOL_SIZE = 4096
        sys.modules["boardmaps_config"] = config
        from boardmaps import StaticPool
        assert StaticPool.total_size() == 4096
    """)


@pytest.mark.unix_port
def test_a_board_with_too_little_memory_says_what_it_has_and_what_to_do(micropython: Run) -> None:
    out = micropython("import boardmaps", heap="100K", fails=True)
    assert "MemoryError: boardmaps: the pool needs 65536 bytes in one block; the largest free block has" in out
    assert "POOL_SIZE" in out

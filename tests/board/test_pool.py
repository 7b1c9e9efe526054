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


def test_clear_does_not_mind_that_somebody_else_deletes(micropython: Run) -> None:
    printed = micropython(
        """
        from boardmaps import HashMap

        class Beaten(HashMap):
            def keys(self):
                for key in super().keys():
                    self.delete(key)  # as an interrupt handler may, right before clear() does
                    yield key

        m = Beaten(1, 1, 4)
        for n in range(4):
            m.update(bytes((n,)), b"x")
        m.clear()
        print(len(m))
        """
    )
    assert printed.split() == ["0"]


@pytest.mark.unix_port
def test_more_entries_than_a_pool_can_number_are_refused_when_they_are_asked_for(micropython: Run) -> None:
    printed = micropython(
        """
        import sys

        class boardmaps_config:
            POOL_SIZE = 4 * 1024 * 1024

        sys.modules["boardmaps_config"] = boardmaps_config
        from boardmaps import ArrayMap, HashMap, InvalidDefinition, PerCpuHash, Queue, RingBuf, StaticPool

        for make in (
            lambda n: HashMap(4, 4, 32767 + n),
            lambda n: PerCpuHash(4, 4, 32767 + n),
            lambda n: ArrayMap(4, 65535 + n),
            lambda n: Queue(1, 65535 + n),
        ):
            used = StaticPool.used()
            try:
                make(1)
            except InvalidDefinition as error:
                assert StaticPool.used() == used
                print(error)
            made = make(0)
        RingBuf(1 << 17)

        m = HashMap(4, 1, 32767)
        for n in range(32767):
            m.update(n.to_bytes(4, "little"), b"x")
        print(len(m), sum(1 for _ in m.keys()))
        """,
        heap="16M",
    )
    lines = printed.splitlines()
    assert [line.partition(" '': ")[2] for line in lines[:4]] == [
        f"max_entries is {n + 1}; in a pool this type has at most {n}" for n in (32767, 32767, 65535, 65535)
    ]
    assert lines[4:] == ["32767 32767"]


def test_no_map_number_is_given_out_twice(micropython: Run) -> None:
    printed = micropython(
        """
        from boardmaps import HashMap, OutOfMemory, StaticPool, pool

        pool._next_id = 65535
        print(HashMap(1, 1, 1).id)
        for _ in range(2):
            try:
                HashMap(1, 1, 1, name="more")
            except OutOfMemory as error:
                print(error)
            StaticPool.reset()
        """
    )
    refusal = "create 'more': all 65,535 map numbers of this boot are used up; reset the board"
    assert printed.splitlines() == ["65535", refusal, refusal]

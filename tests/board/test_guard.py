"""Guards: what holds off a second core holds off a thread without a GIL; and no guard may take heap."""

import pytest

from tests.board.conftest import GUARDS, Run

# The unix port's threads really run side by side. Each adds to the same counters and moves the same keys. All names are
# local: a global that one thread makes can move the dictionary in which the other looks one up.
RACE = """
    import _thread, sys, time
    class config: GUARD = {guard!r}
    sys.modules["boardmaps_config"] = config
    from boardmaps import ArrayMap, HashMap
    def race():
        a = ArrayMap(8, 2); h = HashMap(8, 8, 64)
        h.update(b"counting", bytes(8))
        done = [0, 0]
        def work(me):
            key = bytearray(8); key[0] = me
            for i in range({rounds}):
                a.add(0, 1)
                h.add(b"counting", 1)
                key[1] = i & 7
                h.update(key, key)
                out = bytearray(8)
                assert h.lookup_into(key, out) and out == key
                h.delete(key)
            done[me] = 1
        _thread.start_new_thread(work, (1,))
        work(0)
        for _ in range(3000):
            if done[1]:
                break
            time.sleep_ms(10)
        assert done == [1, 1], done
        print(int.from_bytes(a.lookup(0), "little"), int.from_bytes(h.lookup(b"counting"), "little"), len(h))
    race()
"""


@pytest.mark.unix_port
def test_two_threads_lose_nothing_under_the_lock(micropython: Run) -> None:
    rounds = 20_000
    assert micropython(RACE.format(guard="irq+lock", rounds=rounds)).split() == [str(2 * rounds), str(2 * rounds), "1"]


def test_an_unknown_guard_is_refused(micropython: Run) -> None:
    out = micropython(
        """
        import sys
        class config: GUARD = "spin"
        sys.modules["boardmaps_config"] = config
        from boardmaps import HashMap
        """,
        fails=True,
    )
    assert "boardmaps_config.GUARD is 'spin': give 'none', 'irq' or 'irq+lock'" in out


def test_unknown_kernels_are_refused(micropython: Run) -> None:
    out = micropython(
        """
        import sys
        class config: KERNELS = "asm"
        sys.modules["boardmaps_config"] = config
        import boardmaps
        """,
        fails=True,
    )
    assert "boardmaps_config.KERNELS is 'asm': give 'viper' or 'plain', or nothing" in out


def test_plain_kernels_hold_no_guard(micropython: Run) -> None:
    out = micropython(
        """
        import sys
        class config: KERNELS = "plain"; GUARD = "irq"
        sys.modules["boardmaps_config"] = config
        import boardmaps
        """,
        fails=True,
    )
    assert "boardmaps_config.GUARD is 'irq', but plain kernels hold no guard" in out


@GUARDS
def test_what_a_hard_interrupt_may_call_takes_no_heap(micropython: Run, guard: str) -> None:
    """As a handler would: bytes as keys, too, aligned and not, misses, and values of odd sizes."""
    micropython(f"""
        import micropython, sys
        class config: GUARD = {guard!r}
        sys.modules["boardmaps_config"] = config
        from boardmaps import ArrayMap, HashMap
        maps = [HashMap(8, 8, 64), HashMap(6, 5, 64), ArrayMap(8, 64), ArrayMap(5, 64)]
        data = memoryview(bytearray(64))
        views = {{(n, shift): data[shift:shift + n] for n in (4, 5, 6, 8) for shift in range(4)}}
        jobs = [(m, views[m.definition.key_size, shift], views[m.definition.value_size, shift])
                for m in maps for shift in range(4)]
        def work():
            for job in jobs:
                m = job[0]
                keys = job[1]
                value = job[2]
                for i in range(40):
                    keys[1] = keys[2] = keys[3] = 0
                    keys[0] = i
                    m.update(keys, value)
                    m.update(keys, value, 2)
                    m.lookup_into(keys, value)
                    m.add(keys, 1, 1, 4)
                    m.compare_and_swap(keys, value, value)
                    if m.definition.map_type == 2:
                        m.update(i, value)
                        m.lookup_into(i, value)
                        m.lookup_into(99, value)
                        m.delete(i)
                    m.delete(keys)
                    keys[3] = 60  # no such key, and below 2**30 when it is added to
                    if m.lookup_into(keys, value):
                        return 1
            return 2
        done = None
        micropython.heap_lock()
        try:
            done = work()
        finally:
            micropython.heap_unlock()
        assert done == 2
    """)


@pytest.mark.unix_port
def test_errors_leave_the_maps_free(micropython: Run) -> None:
    """Whatever a call raises, the lock is given back: the next call does not wait for ever."""
    micropython("""
        import sys
        class config: GUARD = "irq+lock"
        sys.modules["boardmaps_config"] = config
        from boardmaps import ArrayMap, HashMap
        h = HashMap(8, 8, 2); a = ArrayMap(8, 2)
        for use in (lambda: h.update(1, b""), lambda: h.update(b"12345678", None), lambda: h.lookup_into([], []),
                    lambda: h.delete(b""), lambda: a.add(b"", 1), lambda: a.update(None, None), lambda: a.add(0, None),
                    lambda: a.add(None, 1), lambda: h.add(None, 1), lambda: h.update(bytes(8), bytes(8), 9)):
            try:
                use()
                assert False
            except AssertionError:
                raise
            except Exception:
                pass
        h.update(bytes(8), bytes(8))
        assert a.add(0, 1) == 1
    """)

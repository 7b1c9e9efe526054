"""A hash table's kernels as MicroPython compiles them: viper, for firmware without the C ones.

drive(m) gives a HashMap its functions; entry_at() is what a walk calls. __init__.py says which functions. SPEC.md draws the bytes.

More than 300 lines: the closures share a slice's address, and each repeats the loops that a call would make slow.
"""

import micropython
from micropython import const

from ..settings import GUARD
from .viper_base import address, guarded, identity, place
from .viper_keyed import checked_lookup, parts

try:
    from uctypes import bytes_at  # bytes_at(address, n): a bytes object of the n bytes at an address
except ImportError:

    def bytes_at(at, n):
        """Do what uctypes' function does, slower."""
        from ..pool import _view  # saves heap: a port without uctypes

        at -= address(_view)
        return bytes(_view[at : at + n])


# What op() does; 0, 1 and 2 are update's flags, restated from abi.py (const folds in its own module only).
_ANY = const(0)
_NOEXIST = const(1)
_EXIST = const(2)
_LOOKUP = const(3)
_TAKE = const(4)  # those up to here use the value
_DELETE = const(5)
_FIND = const(6)
_NEXT = const(7)
_CREATE = const(8)  # a new key, whose value the caller writes: it clears the mark
_LOOKED_AT = const(16)  # beside these: key and value are right

# What op() answers
_DONE = const(0)
_MISS = const(1)
_EXISTS = const(2)
_FULL = const(3)
_WRONG_SIZE = const(4)

# Words of a slice's header
_KEY_SIZE = const(4)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_SEED = const(8)
_MULTIPLIER = const(9)
_MASK = const(10)
_LINKS = const(11)
_ENTRIES = const(12)
_VALUE = const(13)
_STRIDE = const(14)
_FREE = const(15)
_FRESH = const(16)
_PEAK = const(18)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes
_HEADS = const(96)  # bytes: the bucket heads follow the header
_FREE_BIT = const(0x8000)  # in a link: this slot holds no entry

_length = len


def _kernels(at, identity, bytes_at, copied, check):
    """Return (lookup_into, op, lookup) of a map; `at` is the address of its place, as viper_base.py has it.

    They are closures because they find their slice so at half the cost of a look at an attribute. Closed-over
    names and arguments are never more than five: above that a call takes heap. Names of the
    module are not used in them either (bool is one): a function that does so saves and restores its globals at every call.
    `copied` is lookup() for keys that are not aligned or of whole words.

    Slots are numbered from 1, so that zeroed memory is an empty map: heads[bucket] and links[slot - 1] hold the next slot
    of a chain, 0 at its end; links of free slots carry _FREE_BIT and chain from the header's free word. Slots above the
    fresh word were never used.
    """

    @micropython.viper
    def op(key, value, what: int) -> int:
        """Do `what`; return an answer above, for _FIND minus the value's offset in the slice. _WRONG_SIZE: look closer."""
        p = ptr32(int(at))
        h = ptr32(p[0] | p[1] << 32)
        n = h[_KEY_SIZE]
        if what < _LOOKED_AT:
            i = int(identity(key))
            if i & 3 or ptr32(i + p[4])[0] != n:
                return _WRONG_SIZE
            x = ptr32(i)[0]
            if x != p[3] and x != p[2]:
                return _WRONG_SIZE
            if what < _DELETE:
                i = int(identity(value))
                if i & 3 or ptr32(i + p[4])[0] != h[_VALUE_SIZE]:
                    return _WRONG_SIZE
                x = ptr32(i)[0]
                if x != p[3] and (x != p[2] or what >= _LOOKUP):
                    return _WRONG_SIZE
        what &= 15
        k = ptr8(key)
        v = k
        if what != _DELETE and what != _FIND:
            v = ptr8(value)
        base = int(h)

        # Hash: 16 bits a step, kept below 2**30 so that 32-bit and 64-bit boards agree.
        # A Cortex-M0+ faults on words that are not aligned, so words only where they are.
        x = h[_SEED]
        by = h[_MULTIPLIER]
        words = 0
        if not int(k) & 3:
            words = n >> 2
        k32 = ptr32(int(k))
        i = 0
        while i < words:
            w = k32[i]
            x = ((x ^ (w & 0xFFFF)) * by) & 0x3FFFFFFF
            x ^= x >> 15
            x = ((x ^ (w >> 16 & 0xFFFF)) * by) & 0x3FFFFFFF
            x ^= x >> 15
            i += 1
        i <<= 2
        while i < n:
            w = k[i]
            i += 1
            if i < n:
                w |= k[i] << 8
                i += 1
            x = ((x ^ w) * by) & 0x3FFFFFFF
            x ^= x >> 15

        bucket = x & h[_MASK]
        heads = ptr16(base + _HEADS)
        links = ptr16(base + h[_LINKS] - 2)
        stride = h[_STRIDE]
        entries = base + h[_ENTRIES] - stride
        slot = heads[bucket]
        before = 0
        while slot:
            e32 = ptr32(entries + slot * stride)
            i = 0
            while i < words and e32[i] == k32[i]:
                i += 1
            if i == words:
                i <<= 2
                e8 = ptr8(int(e32))
                while i < n and e8[i] == k[i]:
                    i += 1
                if i == n:
                    break
            before = slot
            slot = links[slot]

        if what == _FIND:
            if not slot:
                return _MISS
            return base - entries - slot * stride - h[_VALUE]

        if what == _NEXT:
            # Slot order from the key's slot, or from the first slot when it is not there.
            top = h[_FRESH]
            while slot < top:
                slot += 1
                if not links[slot] & _FREE_BIT:
                    e8 = ptr8(entries + slot * stride)
                    i = 0
                    while i < n:
                        v[i] = e8[i]
                        i += 1
                    return _DONE
            return _MISS

        if not slot:
            if what >= _EXIST and what != _CREATE:
                return _MISS
            slot = h[_FREE]
            if slot:
                ptr8(base)[_MARK_AT] = 1
                h[_FREE] = links[slot] & 0x7FFF
            else:
                slot = h[_FRESH] + 1
                if slot > h[_MAX_ENTRIES]:
                    return _FULL
                ptr8(base)[_MARK_AT] = 1
                h[_FRESH] = slot
            e8 = ptr8(entries + slot * stride)
            e32 = ptr32(int(e8))
            i = 0
            while i < words:
                e32[i] = k32[i]
                i += 1
            i <<= 2
            while i < n:
                e8[i] = k[i]
                i += 1
            links[slot] = heads[bucket]
            heads[bucket] = slot
            i = h[_COUNT] + 1
            h[_COUNT] = i
            if i > h[_PEAK]:
                h[_PEAK] = i
            if what == _CREATE:
                return _DONE
        elif what == _NOEXIST:
            return _EXISTS

        if what != _LOOKUP:
            ptr8(base)[_MARK_AT] = 1
        if what != _DELETE:
            source = int(v)
            target = entries + slot * stride + h[_VALUE]
            if what >= _LOOKUP:
                source = target
                target = int(v)
            n = h[_VALUE_SIZE]
            i = 0
            if not int(v) & 3:
                words = n >> 2
                s32 = ptr32(source)
                t32 = ptr32(target)
                while i < words:
                    t32[i] = s32[i]
                    i += 1
                i <<= 2
            s8 = ptr8(source)
            t8 = ptr8(target)
            while i < n:
                t8[i] = s8[i]
                i += 1

        if what >= _TAKE:
            if before:
                links[before] = links[slot]
            else:
                heads[bucket] = links[slot]
            links[slot] = h[_FREE] | _FREE_BIT
            h[_FREE] = slot
            h[_COUNT] -= 1
        if what != _LOOKUP:
            ptr8(base)[_MARK_AT] = 0
        return _DONE

    slow = checked_lookup(op, check)

    @micropython.viper
    def lookup_into(key, out) -> bool:
        """Do op(key, out, _LOOKUP), faster: for the usual keys and values, of whole words and aligned."""
        p = ptr32(int(at))
        h = ptr32(p[0] | p[1] << 32)
        n = h[_KEY_SIZE]
        m = h[_VALUE_SIZE]
        x = int(identity(key))
        i = int(identity(out))
        if (x | i | n | m) & 3:
            return int(slow(key, out)) != 0
        if ptr32(x + p[4])[0] != n or ptr32(i + p[4])[0] != m or ptr32(i)[0] != p[3]:
            return int(slow(key, out)) != 0
        x = ptr32(x)[0]
        k = ptr32(key)
        v = ptr32(out)
        if (x != p[3] and x != p[2]) or (int(k) | int(v)) & 3:
            return int(slow(key, out)) != 0
        x = h[_SEED]
        by = h[_MULTIPLIER]
        i = int(k)
        end = i + n
        while i < end:
            w = ptr16(i)
            x = ((x ^ w[0]) * by) & 0x3FFFFFFF
            x ^= x >> 15
            x = ((x ^ w[1]) * by) & 0x3FFFFFFF
            x ^= x >> 15
            i += 4
        slot = ptr16(int(h) + _HEADS)[x & h[_MASK]]
        while slot:
            e = ptr32(int(h) + h[_ENTRIES] + (slot - 1) * h[_STRIDE])
            if e[0] == k[0]:
                i = 4
                while i < n and ptr32(int(e) + i)[0] == ptr32(int(k) + i)[0]:
                    i += 4
                if i == n:
                    e = ptr32(int(e) + n)
                    v[0] = e[0]
                    i = 4
                    while i < m:
                        ptr32(int(v) + i)[0] = ptr32(int(e) + i)[0]
                        i += 4
                    return True
            slot = ptr16(int(h) + h[_LINKS] - 2)[slot]
        return False

    @micropython.viper
    def lookup(key):
        """Find the key as lookup_into() does; return its value as bytes, or None."""
        p = ptr32(int(at))
        h = ptr32(p[0] | p[1] << 32)
        n = h[_KEY_SIZE]
        x = int(identity(key))
        if (x | n) & 3 or ptr32(x + p[4])[0] != n:
            return copied(key)
        x = ptr32(x)[0]
        k = ptr32(key)
        if (x != p[3] and x != p[2]) or int(k) & 3:
            return copied(key)
        x = h[_SEED]
        by = h[_MULTIPLIER]
        i = int(k)
        end = i + n
        while i < end:
            w = ptr16(i)
            x = ((x ^ w[0]) * by) & 0x3FFFFFFF
            x ^= x >> 15
            x = ((x ^ w[1]) * by) & 0x3FFFFFFF
            x ^= x >> 15
            i += 4
        slot = ptr16(int(h) + _HEADS)[x & h[_MASK]]
        while slot:
            e = ptr32(int(h) + h[_ENTRIES] + (slot - 1) * h[_STRIDE])
            if e[0] == k[0]:
                i = 4
                while i < n and ptr32(int(e) + i)[0] == ptr32(int(k) + i)[0]:
                    i += 4
                if i == n:
                    return bytes_at(int(e) + n, h[_VALUE_SIZE])
            slot = ptr16(int(h) + h[_LINKS] - 2)[slot]
        return None

    return lookup_into, op, lookup


@micropython.viper
def entry_at(view, slot: int, key, value) -> int:
    """Copy the first entry at or behind `slot` (from 1) into key and value; return the slot behind it, 0 at the end.

    As many bytes as these have: `value` may be a row.
    """
    h = ptr32(view)
    base = int(h)
    links = ptr16(base + h[_LINKS] - 2)
    top = h[_FRESH]
    at = slot  # some Thumb emitters double a parameter that indexes a ptr16 (tests/board/test_viper_rules.py)
    while at <= top and links[at] & _FREE_BIT:
        at += 1
    if at > top or at < 1:
        return 0
    e8 = ptr8(base + h[_ENTRIES] + (at - 1) * h[_STRIDE])
    k = ptr8(key)
    n = h[_KEY_SIZE]
    i = 0
    while i < n:
        k[i] = e8[i]
        i += 1
    e8 = ptr8(int(e8) + h[_VALUE])
    v = ptr8(value)
    n = int(_length(value))
    i = 0
    while i < n:
        v[i] = e8[i]
        i += 1
    return at + 1


entry_at = guarded(entry_at, 4)


def _front(op, settle):
    """Return (update, delete) over a map's op; settle(what, key, value, flags) does again what failed and says why."""

    @micropython.native
    def update(key, value, flags=0):
        if flags is _ANY:  # "is not" would be two calls
            if not op(key, value, _ANY):
                return
        settle("update", key, value, flags)

    @micropython.native
    def delete(key):
        if op(key, key, _DELETE):
            settle("delete", key, None, _DELETE)

    return update, delete


def drive(m):
    """Give a HashMap its functions, within the board's guard."""

    def copied(key):
        return m._copy("lookup", key, _LOOKUP)

    m._words, m._move = place()
    m.lookup_into, m._find, m.lookup = _kernels(address(m._words), identity, bytes_at, copied, m._check_out)
    m._op = guarded(m._find, 3)
    if GUARD != "none":
        m.lookup_into = checked_lookup(m._op, m._check_out)
        m.lookup = copied  # that allocates nothing while it holds the maps
    m.update, m.delete = _front(m._op, m._settle)
    m.add = parts(m)


def rows(m):
    """Return the op of the hash table of a PerCpuHash, which holds the guard itself."""
    m._words, m._move = place()
    return _kernels(address(m._words), identity, bytes_at, None, m._check_out)[1]

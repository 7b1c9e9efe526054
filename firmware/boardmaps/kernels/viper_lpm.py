"""The kernels of a trie of prefixes as MicroPython compiles them: viper, for firmware without the C ones. SPEC.md draws the bytes.

Nodes 1 to max_entries are the slots, which lie as a hash table's do; the inner ones, where two prefixes part, come behind. The
tables of u16 by node are the left child, the right child and the number of bits: `left + nodes` is the right one's, and so on. A
key is a u32 with the number of its bits, and the data. All of them get views, no addresses: those may be too large for an int.

More than 300 lines: each function walks the same nodes, and a call between modules is dear in machine code.
"""

import micropython
from micropython import const

from .viper_base import guarded

# What op() does; 0, 1 and 2 are update's flags
_NOEXIST = const(1)
_EXIST = const(2)
_LOOKUP = const(3)
_DELETE = const(5)
_NEXT = const(7)

# What op() answers
_DONE = const(0)
_MISS = const(1)
_EXISTS = const(2)
_FULL = const(3)
_TOO_LONG = const(5)  # the prefix has more bits than the data

# Words of a slice's header
_KEY_SIZE = const(4)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_ROOT = const(8)
_INNER_FREE = const(9)
_INNER_FRESH = const(10)
_LINKS = const(11)
_ENTRIES = const(12)
_VALUE = const(13)
_STRIDE = const(14)
_FREE = const(15)
_FRESH = const(16)
_PEAK = const(18)

_MARK_AT = const(69)  # a byte of the header: not 0 while what lies in the slice changes
_FREE_BIT = const(0x8000)  # in a slot's left link: it holds no entry
_LENGTH_BYTES = const(4)  # of a key, before its data
_SHIFT = const(12)  # of a slot in what _near() returns; its low bits are a number of bits, up to 2048
_LOW = const(0xFFF)


@micropython.viper
def _common(view, slot: int, key, known: int) -> int:
    """Return in how many bits, up to the slot's, a slot's data agrees with the key's; the first `known` are known to."""
    h = ptr32(view)
    most = ptr16(int(h) + h[_LINKS] + 4 * (2 * h[_MAX_ENTRIES] - 1) + 2 * (slot - 1))[0]
    a = ptr8(int(h) + h[_ENTRIES] + (slot - 1) * h[_STRIDE] + _LENGTH_BYTES)
    b = ptr8(int(ptr8(key)) + _LENGTH_BYTES)
    i = known >> 3
    while i << 3 < most:
        differ = a[i] ^ b[i]
        if differ:
            i <<= 3
            while not differ & 0x80:
                differ <<= 1
                i += 1
            if i < most:
                return i
            return most
        i += 1
    return most


@micropython.viper
def _match(view, key, length: int) -> int:
    """Return the slot with the longest prefix of the key's data that has at most `length` bits; 0 when there is none."""
    h = ptr32(view)
    k = ptr8(key)
    nodes = 2 * h[_MAX_ENTRIES] - 1
    left = int(h) + h[_LINKS] - 2
    best = 0
    known = 0
    x = h[_ROOT]
    while x:
        table = left + 2 * x
        bits = ptr16(table + 4 * nodes)[0]
        if bits > length:
            break
        if x <= h[_MAX_ENTRIES]:
            if int(_common(view, x, key, known)) < bits:
                break
            best = x
            known = bits
        if bits == length:
            break
        if k[_LENGTH_BYTES + (bits >> 3)] >> (7 - (bits & 7)) & 1:
            table += 2 * nodes
        x = ptr16(table)[0]
    return best


@micropython.viper
def _near(view, key, length: int) -> int:
    """Return a slot at or below the place of a prefix, shifted by _SHIFT, and in how many bits the two agree; 0 in an empty map."""
    h = ptr32(view)
    k = ptr8(key)
    nodes = 2 * h[_MAX_ENTRIES] - 1
    left = int(h) + h[_LINKS] - 2
    x = h[_ROOT]
    below = x
    bits = 0
    while below:
        x = below
        table = left + 2 * x
        bits = ptr16(table + 4 * nodes)[0]
        if bits >= length:
            break
        if k[_LENGTH_BYTES + (bits >> 3)] >> (7 - (bits & 7)) & 1:
            table += 2 * nodes
        below = ptr16(table)[0]
    while x > h[_MAX_ENTRIES]:
        x = ptr16(left + 2 * x)[0]
    if not x:
        return 0
    bits = int(_common(view, x, key, 0))
    if bits > length:
        bits = length
    return x << _SHIFT | bits


@micropython.viper
def _link(view, parent: int, side: int, node: int):
    """Make a node its parent's child, or the root."""
    h = ptr32(view)
    if parent:
        at = int(h) + h[_LINKS] + 2 * (parent - 1)
        if side:
            at += 2 * (2 * h[_MAX_ENTRIES] - 1)
        ptr16(at)[0] = node
    else:
        h[_ROOT] = node


@micropython.viper
def _put(view, node: int, left: int, right: int):
    """Give a node its children."""
    h = ptr32(view)
    at = int(h) + h[_LINKS] + 2 * (node - 1)
    ptr16(at)[0] = left
    ptr16(at + 2 * (2 * h[_MAX_ENTRIES] - 1))[0] = right


@micropython.viper
def _inner(view, bits: int) -> int:
    """Return a new inner node, of so many bits: n prefixes have at most n - 1 of them, so there is one."""
    h = ptr32(view)
    left = int(h) + h[_LINKS] - 2
    x = h[_INNER_FREE]
    if x:
        h[_INNER_FREE] = ptr16(left + 2 * x)[0]
    else:
        x = h[_INNER_FRESH] + 1
        h[_INNER_FRESH] = x
        x += h[_MAX_ENTRIES]
    ptr16(left + 2 * x + 4 * (2 * h[_MAX_ENTRIES] - 1))[0] = bits
    return x


@micropython.viper
def _new_slot(view, bits: int) -> int:
    """Return a free slot, now of so many bits; 0 when the map is full."""
    h = ptr32(view)
    left = int(h) + h[_LINKS] - 2
    x = h[_FREE]
    if x:
        h[_FREE] = ptr16(left + 2 * x)[0] & 0x7FFF
    else:
        x = h[_FRESH] + 1
        if x > h[_MAX_ENTRIES]:
            return 0
        h[_FRESH] = x
    ptr16(left + 2 * x + 4 * (2 * h[_MAX_ENTRIES] - 1))[0] = bits
    bits = h[_COUNT] + 1
    h[_COUNT] = bits
    if bits > h[_PEAK]:
        h[_PEAK] = bits
    return x


@micropython.viper
def _change(view, key, value, what: int) -> int:
    """Store a value under exactly this prefix, or remove it."""
    h = ptr32(view)
    k = ptr8(key)
    v = ptr8(value)
    most = h[_MAX_ENTRIES]
    nodes = 2 * most - 1
    left = int(h) + h[_LINKS] - 2
    length = k[0] | k[1] << 8
    shared = int(_near(view, key, length))
    near = shared >> _SHIFT
    shared &= _LOW

    # The way to the first node that goes further, or ends where the key does.
    above = parent = above_side = side = bits = 0
    x = h[_ROOT]
    while x:
        table = left + 2 * x
        bits = ptr16(table + 4 * nodes)[0]
        if bits > shared or bits >= length:
            break
        above = parent
        above_side = side
        parent = x
        side = k[_LENGTH_BYTES + (bits >> 3)] >> (7 - (bits & 7)) & 1
        if side:
            table += 2 * nodes
        x = ptr16(table)[0]

    there = 0
    if x and shared == length and bits == length:
        there = 1
    if what == _DELETE:
        if not there or x > most:
            return _MISS
        table = left + 2 * x
        a = ptr16(table)[0]
        b = ptr16(table + 2 * nodes)[0]
        ptr8(int(h))[_MARK_AT] = 1
        if a and b:
            near = int(_inner(view, length))
            _put(view, near, a, b)
            _link(view, parent, side, near)
        elif a or b or parent <= most:
            _link(view, parent, side, a + b)
        else:  # its parent is an inner node, which has one child left
            near = left + 2 * parent
            if side:
                b = ptr16(near)[0]
            else:
                b = ptr16(near + 2 * nodes)[0]
            _link(view, above, above_side, b)
            ptr16(near)[0] = h[_INNER_FREE]
            h[_INNER_FREE] = parent
        ptr16(table)[0] = h[_FREE] | _FREE_BIT
        h[_FREE] = x
        h[_COUNT] -= 1
        ptr8(int(h))[_MARK_AT] = 0
        return _DONE

    slot = x
    if there and x <= most:
        if what == _NOEXIST:
            return _EXISTS
    elif what == _EXIST:
        return _MISS
    else:
        ptr8(int(h))[_MARK_AT] = 1
        slot = int(_new_slot(view, length))
        if not slot:
            ptr8(int(h))[_MARK_AT] = 0
            return _FULL
        top = slot
        a = b = 0
        if there:  # an inner node is in its place
            table = left + 2 * x
            a = ptr16(table)[0]
            b = ptr16(table + 2 * nodes)[0]
            ptr16(table)[0] = h[_INNER_FREE]
            h[_INNER_FREE] = x
        elif x and shared == length:  # what is there goes on where this ends
            e = ptr8(int(h) + h[_ENTRIES] + (near - 1) * h[_STRIDE] + _LENGTH_BYTES)
            if e[length >> 3] >> (7 - (length & 7)) & 1:
                b = x
            else:
                a = x
        elif x:  # the two part
            top = int(_inner(view, shared))
            if k[_LENGTH_BYTES + (shared >> 3)] >> (7 - (shared & 7)) & 1:
                _put(view, top, x, slot)
            else:
                _put(view, top, slot, x)
        _put(view, slot, a, b)
        _link(view, parent, side, top)

    e = ptr8(int(h) + h[_ENTRIES] + (slot - 1) * h[_STRIDE])
    n = h[_KEY_SIZE]
    i = 0
    ptr8(int(h))[_MARK_AT] = 1
    while i < n:
        e[i] = k[i]
        i += 1
    e = ptr8(int(e) + h[_VALUE])
    n = h[_VALUE_SIZE]
    i = 0
    while i < n:
        e[i] = v[i]
        i += 1
    ptr8(int(h))[_MARK_AT] = 0
    return _DONE


@micropython.viper
def _behind(view, key, length: int) -> int:
    """Return the slot behind a key in post-order, 0 at the end. A length below 0 is before all."""
    h = ptr32(view)
    k = ptr8(key)
    nodes = 2 * h[_MAX_ENTRIES] - 1
    left = int(h) + h[_LINKS] - 2
    x = h[_ROOT]
    found = 0  # as far as the way tells
    whole = 0  # all below `found`, not the node alone
    if length < 0:
        found = x
        whole = 1
    else:
        shared = int(_near(view, key, length)) & _LOW
        while x:
            table = left + 2 * x
            bits = ptr16(table + 4 * nodes)[0]
            if bits > shared or bits >= length:
                break
            side = k[_LENGTH_BYTES + (bits >> 3)] >> (7 - (bits & 7)) & 1
            right = ptr16(table + 2 * nodes)[0]
            if not side and right:
                found = right
                whole = 1
            elif x <= h[_MAX_ENTRIES]:
                found = x
                whole = 0
            if side:
                x = right
            else:
                x = ptr16(table)[0]
        if x and shared < length:
            if not k[_LENGTH_BYTES + (shared >> 3)] >> (7 - (shared & 7)) & 1:  # what is there has a 1, the key a 0
                found = x
                whole = 1
    if found and whole:
        x = found
        while x:
            found = x
            x = ptr16(left + 2 * found)[0]
            if not x:
                x = ptr16(left + 2 * found + 2 * nodes)[0]
    return found


@micropython.viper
def op(view, key, value, what: int) -> int:
    """Do `what`; return an answer above. The map has looked at key and value."""
    h = ptr32(view)
    n = h[_KEY_SIZE]
    k = ptr8(key)
    v = k
    size = n
    if what != _DELETE:
        if what != _NEXT:
            size = h[_VALUE_SIZE]
        v = ptr8(value)
    length = k[0] | k[1] << 8
    if k[2] or k[3] or length > 8 * (n - _LENGTH_BYTES):
        length = -1
    if what == _LOOKUP or what == _NEXT:
        i = 0
        if what == _NEXT:
            n = int(_behind(view, key, length))
        else:
            n = 0
            if length >= 0:
                n = int(_match(view, key, length))
            i = h[_VALUE]
        if not n:
            return _MISS
        e = ptr8(int(h) + h[_ENTRIES] + (n - 1) * h[_STRIDE] + i)
        i = 0
        while i < size:
            v[i] = e[i]
            i += 1
        return _DONE
    if length < 0:
        return _TOO_LONG
    return int(_change(view, key, value, what))


@micropython.viper
def entry_at(view, slot: int, key, value) -> int:
    """Copy the first entry at or behind `slot` (from 1) into key and value; return the slot behind it, 0 at the end."""
    h = ptr32(view)
    at = int(slot)  # viper_hash.py says why not the parameter itself
    top = h[_FRESH]
    while at <= top and ptr16(int(h) + h[_LINKS] + 2 * (at - 1))[0] & _FREE_BIT:
        at += 1
    if at > top or at < 1:
        return 0
    e = ptr8(int(h) + h[_ENTRIES] + (at - 1) * h[_STRIDE])
    k = ptr8(key)
    n = h[_KEY_SIZE]
    i = 0
    while i < n:
        k[i] = e[i]
        i += 1
    e = ptr8(int(e) + h[_VALUE])
    v = ptr8(value)
    n = h[_VALUE_SIZE]
    i = 0
    while i < n:
        v[i] = e[i]
        i += 1
    return at + 1


@micropython.viper
def clear(view):
    """Remove every prefix."""
    h = ptr32(view)
    ptr8(int(h))[_MARK_AT] = 1
    h[_COUNT] = 0
    h[_ROOT] = 0
    h[_INNER_FREE] = 0
    h[_INNER_FRESH] = 0
    h[_FREE] = 0
    h[_FRESH] = 0
    ptr8(int(h))[_MARK_AT] = 0


op = guarded(op, 4)
entry_at = guarded(entry_at, 4)
clear = guarded(clear, 1)

"""Whether what a slice's header leads to is whole: chains, nodes, records, free lists. maps/check.py has looked at the header.

Each function ends and stays within the slice, whatever the bytes are. It returns 0, or what is wrong, and from bit 4 on where: the
number of a bucket (from 0), of a slot, a node or a record (from 1). There is no viper sort of it: a check is rare. It imports no
other kernels, so that a board with viper ones needs no others in plain Python.
"""

from struct import pack_into, unpack_from

from ..definition import HEADER_SIZE, MAGIC, check_word
from ..flags import const
from ..kinds import find

# What is wrong, as C's core/check.h has it
_WHOLE = const(0)
_BAD_WORDS = const(1)
_BAD_LINK = const(2)
_TOO_MANY = const(3)
_BAD_PLACE = const(4)
_TWICE = const(5)
_ASTRAY = const(6)
_BAD_FREE = const(7)
_BAD_INNER = const(8)
_BAD_RECORD = const(9)
_BAD_HEADER = const(10)
_MARKED = const(11)

# Words of a slice's header
_KEY_SIZE = const(4)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_ROOT = const(8)
_CONSUMER = const(8)
_FIRST = const(8)
_SEED = const(8)
_INNER_FREE = const(9)
_MULTIPLIER = const(9)
_PRODUCER = const(9)
_INNER_FRESH = const(10)
_MASK = const(10)
_LINKS = const(11)
_ENTRIES = const(12)
_STRIDE = const(14)
_FREE = const(15)
_FRESH = const(16)
_PEAK = const(18)
_CHECK = const(19)

# Columns and traits of kinds.py
_NUMBER_OF = const(0)
_TRAITS = const(4)
_BOARD = const(1)
_INDEXED = const(8)
_CHAINS = const(16)
_BYTES = const(32)
_NODES = const(64)
_BITS = const(128)

_TYPE_AT = const(8)  # bytes of the header
_MARK_AT = const(69)
_SCHEMA_AT = const(70)

_HEADS = const(96)  # bytes: the bucket heads follow the header
_FREE_BIT = const(0x8000)
_LENGTH_BYTES = const(4)  # of a prefix, before its data
_LEFT = const(0)  # the tables of u16 by node
_RIGHT = const(1)
_BITS_OF = const(2)
_RESERVED = const(1 << 29)
_DISCARDED = const(1 << 28)
_LENGTH = const((1 << 28) - 1)


def fault(what, where):
    """Return an answer. A number that leads nowhere may have any 32 bits: 24 are told."""
    return (where & 0xFFFFFF) << 4 | what


def word(view, index):
    """Return a word of a slice's header."""
    return unpack_from("<I", view, 4 * index)[0]


def link_of(view, table, node):
    """Return what a table of u16 has of a slot or a node; a trie has three."""
    nodes = 2 * word(view, _MAX_ENTRIES) - 1
    return unpack_from("<H", view, word(view, _LINKS) + 2 * (table * nodes + node - 1))[0]


def key_of(view, slot):
    """Return a slot's key."""
    at = word(view, _ENTRIES) + (slot - 1) * word(view, _STRIDE)
    return bytes(view[at : at + word(view, _KEY_SIZE)])


def bucket_of(view, key):
    """Return the bucket that a key belongs in, as SPEC.md has it."""
    x, by = word(view, _SEED), word(view, _MULTIPLIER)
    for i in range(0, len(key), 2):
        x = ((x ^ int.from_bytes(key[i : i + 2], "little")) * by) & 0x3FFFFFFF
        x ^= x >> 15
    return x & word(view, _MASK)


def bit_of(key, bit):
    """Return a bit of a prefix's data."""
    return key[_LENGTH_BYTES + (bit >> 3)] >> (7 - (bit & 7)) & 1


def check_free(view, entries):
    """Look whether so many slots hold entries, and all the others up to fresh are in the free chain."""
    fresh = word(view, _FRESH)
    rest = fresh - entries
    for slot in range(1, fresh + 1):
        if not link_of(view, _LEFT, slot) & _FREE_BIT:
            if not entries:
                return fault(_ASTRAY, slot)
            entries -= 1
    if entries:
        return _ASTRAY
    slot = word(view, _FREE)
    while slot:
        link = slot <= fresh and link_of(view, _LEFT, slot)
        if not link & _FREE_BIT or not rest:
            return fault(_BAD_FREE, slot)
        rest -= 1
        slot = link & ~_FREE_BIT
    return _BAD_FREE if rest else _WHOLE


def chains(view):
    """Look at a hash table. Takes as long as hashing all keys does, and comparing each with those before it in its chain."""
    fresh, count, buckets = word(view, _FRESH), word(view, _COUNT), (word(view, _LINKS) - _HEADS) // 2
    if word(view, _MASK) != buckets - 1 or fresh > word(view, _MAX_ENTRIES) or count > fresh:
        return _BAD_WORDS
    met = 0
    for bucket in range(buckets):
        first = slot = unpack_from("<H", view, _HEADS + 2 * bucket)[0]
        while slot:
            link = slot <= fresh and link_of(view, _LEFT, slot)
            if link is False or link & _FREE_BIT:
                return fault(_BAD_LINK, bucket)
            met += 1
            if met > count:
                return fault(_TOO_MANY, bucket)
            key = key_of(view, slot)
            if bucket_of(view, key) != bucket:
                return fault(_BAD_PLACE, slot)
            other = first
            while other != slot:
                if key_of(view, other) == key:
                    return fault(_TWICE, slot)
                other = link_of(view, _LEFT, other)
            slot = link
    return _ASTRAY if met < count else check_free(view, count)


def nodes(view):
    """Look at a trie, in pre-order and without a stack. For each slot it takes as long as a look-up.

    At a slot that has no children its own key leads from the root to where the way goes on. That it does is known, because each key
    is held against the nodes above it.
    """
    slots, count, inner = word(view, _MAX_ENTRIES), word(view, _COUNT), word(view, _INNER_FRESH)
    fresh, top, most = word(view, _FRESH), slots + inner, (word(view, _KEY_SIZE) - _LENGTH_BYTES) * 8
    if fresh > slots or count > fresh or inner >= slots:
        return _BAD_WORDS
    x = word(view, _INNER_FREE)
    while x:
        if not slots < x <= top or not inner:
            return fault(_BAD_INNER, x)
        inner -= 1  # those that are left are in the tree
        x = link_of(view, _LEFT, x)
    rest, before, above, side = count, b"", 0, 0
    x = word(view, _ROOT)
    while x:
        first, least = x, link_of(view, _BITS_OF, above) + 1 if above else 0
        while True:  # down to a slot
            if not 0 < x <= top or (x <= slots and (x > fresh or link_of(view, _LEFT, x) & _FREE_BIT)):
                return fault(_BAD_LINK, x)
            bits = link_of(view, _BITS_OF, x)
            if not least <= bits <= most:
                return fault(_BAD_PLACE, x)
            if x <= slots:
                break
            if not inner:
                return fault(_TOO_MANY, x)
            inner -= 1
            if not link_of(view, _RIGHT, x):
                return fault(_BAD_LINK, x)
            least = bits + 1
            x = link_of(view, _LEFT, x)
        if not rest:
            return fault(_TOO_MANY, x)
        rest -= 1
        key = key_of(view, x)
        if not _fits(view, key, bits, before, above, side) or not _leads(view, key, first, x):
            return fault(_BAD_PLACE, x)
        before = key
        if link_of(view, _LEFT, x) or link_of(view, _RIGHT, x):
            above = x
        else:
            above = _behind(view, key, x)
        side = 1 if above != x or not link_of(view, _LEFT, x) else 0
        x = link_of(view, side, above) if above else 0
    return _ASTRAY if rest or inner else check_free(view, count)


def _fits(view, key, bits, before, above, side):
    """Return whether a key has its node's length, and belongs on this side of the node above it, as the key before does."""
    if int.from_bytes(key[:_LENGTH_BYTES], "little") != bits:
        return False
    if not above:
        return True
    bits = link_of(view, _BITS_OF, above)
    for i in range(bits):
        if bit_of(before, i) != bit_of(key, i):
            return False
    return bit_of(key, bits) == side


def _leads(view, key, node, slot):
    """Return whether the key goes left at all inner nodes from `node` to its slot."""
    while node != slot:
        if bit_of(key, link_of(view, _BITS_OF, node)):
            return False
        node = link_of(view, _LEFT, node)
    return True


def _behind(view, key, slot):
    """Return the last node on the way from the root to a slot at which it goes left and there is a right; 0 when there is none."""
    found = 0
    node = word(view, _ROOT)
    while node != slot:
        side = bit_of(key, link_of(view, _BITS_OF, node))
        if not side and link_of(view, _RIGHT, node):
            found = node
        node = link_of(view, side, node)
    return found


def records(view):
    """Look at a ring. Takes as long as reading all records does. Their numbers may be any: see core/check.h."""
    at, size = word(view, _CONSUMER), word(view, _MAX_ENTRIES)
    rest = (word(view, _PRODUCER) - at) & 0xFFFFFFFF
    if rest >= size or (at | rest) & 7:
        return _BAD_WORDS
    waiting = nth = 0
    while rest:
        head = unpack_from("<I", view, word(view, _ENTRIES) + (at & (size - 1)))[0]
        flags, taken = head & ~_LENGTH, ((head & _LENGTH) + 15) & ~7
        nth += 1
        if taken > rest or flags not in (0, _RESERVED, _DISCARDED):
            return fault(_BAD_RECORD, nth)
        waiting += not flags
        at = (at + taken) & 0xFFFFFFFF
        rest -= taken
    return _WHOLE if waiting == word(view, _COUNT) else _ASTRAY


def slice(view):  # noqa: A001 - MicroPython's own has no use here
    """Say of all of a slice that a reset left what is wrong with it. Any bytes may be given."""
    n = len(view)
    if n < HEADER_SIZE or bytes(view[:4]) != MAGIC or word(view, 1) != n:
        return _BAD_HEADER
    row = find(_NUMBER_OF, unpack_from("<I", view, _TYPE_AT)[0])
    if row is None or not row[_TRAITS] & _BOARD or HEADER_SIZE + (unpack_from("<H", view, _SCHEMA_AT)[0] + 7 & ~7) > n:
        return _BAD_HEADER
    if word(view, _CHECK) != check_word(view):
        return _BAD_HEADER
    if view[_MARK_AT]:
        return _MARKED
    traits, count, peak, most = row[_TRAITS], word(view, _COUNT), word(view, _PEAK), word(view, _MAX_ENTRIES)
    if traits & _INDEXED:
        return _WHOLE
    if traits & _BYTES:
        used = (word(view, _PRODUCER) - word(view, _CONSUMER)) & 0xFFFFFFFF
        return records(view) if used <= peak < most else _BAD_WORDS
    if count > peak or (peak > most and not traits & _BITS):
        return _BAD_WORDS
    if traits & (_CHAINS | _NODES):
        return chains(view) if traits & _CHAINS else nodes(view)
    return _WHOLE if traits & _BITS or word(view, _FIRST) < most else _BAD_WORDS


def settle(view):
    """Discard the records of a ring that is whole that are reserved: nobody is there any more to submit them."""
    at, end = word(view, _CONSUMER), word(view, _PRODUCER)
    while at != end:
        place = word(view, _ENTRIES) + (at & (word(view, _MAX_ENTRIES) - 1))
        head = unpack_from("<I", view, place)[0]
        if head & _RESERVED:
            pack_into("<I", view, place, head & _LENGTH | _DISCARDED)
        at = (at + ((head & _LENGTH) + 15 & ~7)) & 0xFFFFFFFF

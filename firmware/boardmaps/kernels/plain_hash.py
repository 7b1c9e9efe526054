"""A hash table's kernels in plain Python. SPEC.md draws the bytes.

Slots are numbered from 1, so that zeroed memory is an empty map: heads[bucket] and links[slot - 1] hold the next slot of a chain,
0 at its end; links of free slots carry _FREE_BIT and chain from the header's free word. Slots above the fresh word were never used.
"""

from struct import pack_into, unpack_from

from ..flags import const
from .plain_base import begin, end, fill, known, put_word, raw, word
from .plain_keyed import lookup_into, parts

# What op() does; 0, 1 and 2 are update's flags
_ANY = const(0)
_NOEXIST = const(1)
_EXIST = const(2)
_LOOKUP = const(3)
_TAKE = const(4)
_DELETE = const(5)
_FIND = const(6)
_NEXT = const(7)
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

_HEADS = const(96)  # bytes: the bucket heads follow the header
_FREE_BIT = const(0x8000)  # in a link: this slot holds no entry


def head_of(view, key):
    """Return where the head of a key's chain is in the slice: a hash that takes 16 bits a step, below 2**30."""
    x, by = word(view, _SEED), word(view, _MULTIPLIER)
    for i in range(0, len(key), 2):
        x = ((x ^ int.from_bytes(key[i : i + 2], "little")) * by) & 0x3FFFFFFF
        x ^= x >> 15
    return _HEADS + 2 * (x & word(view, _MASK))


def link_at(view, slot):
    """Return where a slot's link is."""
    return word(view, _LINKS) + 2 * (slot - 1)


def entry_of(view, slot):
    """Return where a slot's key begins."""
    return word(view, _ENTRIES) + (slot - 1) * word(view, _STRIDE)


def half(view, at):
    """Return the 16-bit number at `at`."""
    return unpack_from("<H", view, at)[0]


def find(view, key):
    """Return (where the link to the key's slot is, the slot): slot 0 and its chain's last link when the key is not there."""
    at = head_of(view, key)
    slot = half(view, at)
    while slot:
        entry = entry_of(view, slot)
        if bytes(view[entry : entry + len(key)]) == key:
            break
        at = link_at(view, slot)
        slot = half(view, at)
    return at, slot


def create(view, key):
    """Give a key that is not there a slot, at the front of its chain; return it, 0 when the map is full.

    The mark stays set: the caller writes the value, and clears it.
    """
    slot = word(view, _FREE)
    if not slot and word(view, _FRESH) >= word(view, _MAX_ENTRIES):
        return 0
    begin(view)
    if slot:
        put_word(view, _FREE, half(view, link_at(view, slot)) & ~_FREE_BIT)
    else:
        slot = word(view, _FRESH) + 1
        put_word(view, _FRESH, slot)
    entry = entry_of(view, slot)
    view[entry : entry + len(key)] = key
    head = head_of(view, key)
    pack_into("<H", view, link_at(view, slot), half(view, head))
    pack_into("<H", view, head, slot)
    count = word(view, _COUNT) + 1
    put_word(view, _COUNT, count)
    put_word(view, _PEAK, max(word(view, _PEAK), count))
    return slot


def remove(view, at, slot):
    """Take a slot out of its chain; `at` is where the link to it is."""
    link = link_at(view, slot)
    begin(view)
    pack_into("<H", view, at, half(view, link))
    pack_into("<H", view, link, word(view, _FREE) | _FREE_BIT)
    put_word(view, _FREE, slot)
    put_word(view, _COUNT, word(view, _COUNT) - 1)
    end(view)


def next_slot(view, slot):
    """Return the first slot behind this one that holds an entry, 0 at the end."""
    top = word(view, _FRESH)
    while slot < top:
        slot += 1
        if not half(view, link_at(view, slot)) & _FREE_BIT:
            return slot
    return 0


def op(view, key, value, what):
    """Do `what`; return an answer above, for _FIND minus the value's offset in the slice."""
    size = word(view, _VALUE_SIZE)
    if what & _LOOKED_AT:
        what &= 15
    elif not known(key, word(view, _KEY_SIZE)) or (what < _DELETE and not known(value, size, what >= _LOOKUP)):
        return _WRONG_SIZE
    elif what == _NEXT and not known(value, len(key), True):
        return _WRONG_SIZE
    key = bytes(key)
    at, slot = find(view, key)
    if what == _NEXT:
        slot = next_slot(view, slot)
        if not slot:
            return _MISS
        fill(value, view[entry_of(view, slot) : entry_of(view, slot) + len(key)])
        return _DONE
    if not slot:
        if what >= _EXIST:
            return _MISS
        slot = create(view, key)
        if not slot:
            return _FULL
    elif what == _NOEXIST:
        return _EXISTS
    place = entry_of(view, slot) + word(view, _VALUE)
    if what == _FIND:
        return -place
    if what <= _EXIST:
        data = raw(value)[:size]
        begin(view)
        view[place : place + size] = data
        end(view)
    elif what <= _TAKE:
        fill(value, view[place : place + size])
    if what in (_TAKE, _DELETE):
        remove(view, at, slot)
    return _DONE


def entry_at(view, slot, key, value):
    """Copy the first entry at or behind `slot` (from 1) into key and value; return the slot behind it, 0 at the end.

    As many bytes as these have: `value` may be a row.
    """
    if not 0 < slot <= word(view, _FRESH):
        return 0
    slot = next_slot(view, slot - 1)
    if not slot:
        return 0
    entry = entry_of(view, slot)
    key[:] = view[entry : entry + len(key)]
    entry += word(view, _VALUE)
    value[:] = view[entry : entry + len(value)]
    return slot + 1


def drive(m):
    """Give a HashMap its functions."""

    def locate(key):
        return max(0, -op(m._slice, key, key, _FIND | _LOOKED_AT))

    def own_op(key, value, what):
        return op(m._slice, key, value, what)

    def update(key, value, flags=0):
        if flags is not _ANY or op(m._slice, key, value, _ANY):
            m._settle("update", key, value, flags)

    def delete(key):
        if op(m._slice, key, key, _DELETE):
            m._settle("delete", key, None, _DELETE)

    def lookup(key):
        return m._copy("lookup", key, _LOOKUP)

    m._op = own_op
    m.lookup_into = lookup_into(m)
    m.update = update
    m.delete = delete
    m.lookup = lookup
    parts(m, locate)

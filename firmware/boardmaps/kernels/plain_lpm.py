"""The kernels of a trie of prefixes in plain Python. SPEC.md draws the bytes.

Nodes 1 to max_entries are the slots, which lie as a hash table's do; the inner ones, where two prefixes part, come behind. A key is
a u32 with the number of its bits, and the data. The order of a walk by next key is post-order: left, right, the node itself.
"""

from struct import pack_into

from ..flags import const
from .plain_base import begin, end, fill, put_word, raw, word
from .plain_hash import entry_at as entry_at  # noqa: PLC0414 - a kernel of this kind too
from .plain_hash import entry_of, half

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
_VALUE = const(13)
_FREE = const(15)
_FRESH = const(16)
_PEAK = const(18)

_FREE_BIT = const(0x8000)  # in a slot's left link: it holds no entry
_LENGTH_BYTES = const(4)  # of a key, before its data

# The tables of u16 by node
_LEFT = const(0)
_RIGHT = const(1)
_BITS_OF = const(2)


def place(view, table, node):
    """Return where a table has a node's number."""
    nodes = 2 * word(view, _MAX_ENTRIES) - 1
    return word(view, _LINKS) + 2 * (table * nodes + node - 1)


def of(view, table, node):
    """Return what a table has of a node."""
    return half(view, place(view, table, node))


def put(view, node, bits, left, right):
    """Write all of a node."""
    pack_into("<H", view, place(view, _BITS_OF, node), bits)
    pack_into("<H", view, place(view, _LEFT, node), left)
    pack_into("<H", view, place(view, _RIGHT, node), right)


def link(view, parent, side, node):
    """Make a node its parent's child, or the root."""
    if parent:
        pack_into("<H", view, place(view, side, parent), node)
    else:
        put_word(view, _ROOT, node)


def is_slot(view, node):
    """Return whether a node is a prefix that is there, or no node at all."""
    return node <= word(view, _MAX_ENTRIES)


def bit_of(key, bit):
    """Return a bit of a key's data."""
    return key[_LENGTH_BYTES + (bit >> 3)] >> (7 - (bit & 7)) & 1


def data_of(view, slot):
    """Return a slot's key."""
    at = entry_of(view, slot)
    return bytes(view[at : at + word(view, _KEY_SIZE)])


def common(a, b, most):
    """Return in how many bits the data of two keys agrees, at most `most`."""
    for i in range(most):
        if bit_of(a, i) != bit_of(b, i):
            return i
    return most


def first(view, node):
    """Return the first node of a subtree in post-order, which is a slot."""
    while True:
        below = of(view, _LEFT, node) or of(view, _RIGHT, node)
        if not below:
            return node
        node = below


def match(view, key, length):
    """Return the slot with the longest prefix of the key's data that has at most `length` bits; 0 when there is none."""
    best = 0
    x = word(view, _ROOT)
    while x and of(view, _BITS_OF, x) <= length:
        bits = of(view, _BITS_OF, x)
        if is_slot(view, x):
            if common(data_of(view, x), key, bits) < bits:
                break
            best = x
        if bits == length:
            break
        x = of(view, bit_of(key, bits), x)
    return best


def way(view, key, length):
    """Return the way to where a prefix is, or belongs: (slot, shared, steps, node).

    `slot` is one at or below the place, and `shared` in how many bits its prefix agrees with the key's. `node` is the first on the
    way that goes further, or ends where the key does, 0 when there is none; steps are the (node, side taken) before it.
    """
    slot = word(view, _ROOT)
    if not slot:
        return 0, 0, [], 0
    while of(view, _BITS_OF, slot) < length:
        below = of(view, bit_of(key, of(view, _BITS_OF, slot)), slot)
        if not below:
            break
        slot = below
    while not is_slot(view, slot):
        slot = of(view, _LEFT, slot)
    shared = common(data_of(view, slot), key, min(length, of(view, _BITS_OF, slot)))
    steps = []
    node = word(view, _ROOT)
    while node and of(view, _BITS_OF, node) <= shared and of(view, _BITS_OF, node) < length:
        side = bit_of(key, of(view, _BITS_OF, node))
        steps.append((node, side))
        node = of(view, side, node)
    return slot, shared, steps, node


def there(view, shared, node, length):
    """Return whether a way ends at the prefix itself."""
    return node and is_slot(view, node) and shared == length == of(view, _BITS_OF, node)


def new_inner(view):
    """Return an inner node: n prefixes have at most n - 1 of them, so there is one."""
    node = word(view, _INNER_FREE)
    if node:
        put_word(view, _INNER_FREE, of(view, _LEFT, node))
        return node
    count = word(view, _INNER_FRESH) + 1
    put_word(view, _INNER_FRESH, count)
    return word(view, _MAX_ENTRIES) + count


def free_inner(view, node):
    """Put an inner node into the chain of free ones."""
    pack_into("<H", view, place(view, _LEFT, node), word(view, _INNER_FREE))
    put_word(view, _INNER_FREE, node)


def new_slot(view):
    """Return a free slot, 0 when the map is full."""
    slot = word(view, _FREE)
    if slot:
        put_word(view, _FREE, of(view, _LEFT, slot) & ~_FREE_BIT)
    elif word(view, _FRESH) < word(view, _MAX_ENTRIES):
        slot = word(view, _FRESH) + 1
        put_word(view, _FRESH, slot)
    return slot


def insert(view, key, length, found):
    """Give a prefix that is not there a slot, and its place; return it, 0 when the map is full. The caller clears the mark."""
    near, shared, steps, node = found
    begin(view)
    slot = top = new_slot(view)
    if not slot:
        end(view)
        return 0
    put(view, slot, length, 0, 0)
    if node and shared == length == of(view, _BITS_OF, node):  # an inner node is in its place
        put(view, slot, length, of(view, _LEFT, node), of(view, _RIGHT, node))
        free_inner(view, node)
    elif node and shared == length:  # what is there goes on where this ends
        side = bit_of(data_of(view, near), length)
        put(view, slot, length, 0 if side else node, node if side else 0)
    elif node:  # the two part
        side = bit_of(key, shared)
        top = new_inner(view)
        put(view, top, shared, node if side else slot, slot if side else node)
    above, side = steps[-1] if steps else (0, 0)
    link(view, above, side, top)
    count = word(view, _COUNT) + 1
    put_word(view, _COUNT, count)
    put_word(view, _PEAK, max(word(view, _PEAK), count))
    return slot


def update(view, key, value, length, flags):
    """Store a value under exactly this prefix."""
    found = way(view, key, length)
    slot = found[3]
    if there(view, found[1], slot, length):
        if flags == _NOEXIST:
            return _EXISTS
    elif flags == _EXIST:
        return _MISS
    else:
        slot = insert(view, key, length, found)
        if not slot:
            return _FULL
    at = entry_of(view, slot)
    begin(view)
    view[at : at + len(key)] = key
    at += word(view, _VALUE)
    view[at : at + len(value)] = value
    end(view)
    return _DONE


def delete(view, key, length):
    """Remove exactly this prefix."""
    _, shared, steps, slot = way(view, key, length)
    if not there(view, shared, slot, length):
        return _MISS
    left, right = of(view, _LEFT, slot), of(view, _RIGHT, slot)
    parent, side = steps[-1] if steps else (0, 0)
    begin(view)
    if left and right:
        inner = new_inner(view)
        put(view, inner, length, left, right)
        link(view, parent, side, inner)
    elif left or right or is_slot(view, parent):
        link(view, parent, side, left or right)
    else:  # its parent is an inner node, which has one child left
        above, above_side = steps[-2] if len(steps) > 1 else (0, 0)
        link(view, above, above_side, of(view, 1 - side, parent))
        free_inner(view, parent)
    pack_into("<H", view, place(view, _LEFT, slot), word(view, _FREE) | _FREE_BIT)
    put_word(view, _FREE, slot)
    put_word(view, _COUNT, word(view, _COUNT) - 1)
    end(view)
    return _DONE


def behind(view, key, length, most):
    """Return the slot behind a key in post-order, 0 at the end. A key of more bits than there are is before all."""
    root = word(view, _ROOT)
    if length > most:
        return root and first(view, root)
    _, shared, steps, node = way(view, key, length)
    if node and shared < length and not bit_of(key, shared):  # what is there has a 1 where the key has a 0
        return first(view, node)
    for x, side in reversed(steps):
        if not side and of(view, _RIGHT, x):
            return first(view, of(view, _RIGHT, x))
        if is_slot(view, x):
            return x
    return 0


def op(view, key, value, what):
    """Do `what`; return an answer above. The map has looked at key and value."""
    key = bytes(raw(key))
    length = int.from_bytes(key[:_LENGTH_BYTES], "little")
    most = 8 * (len(key) - _LENGTH_BYTES)
    if what in (_NEXT, _LOOKUP):
        if what == _NEXT:
            slot = behind(view, key, length, most)
        else:
            slot = length <= most and match(view, key, length)
        if not slot:
            return _MISS
        at = entry_of(view, slot) + (word(view, _VALUE) if what == _LOOKUP else 0)
        fill(value, view[at : at + (word(view, _VALUE_SIZE) if what == _LOOKUP else len(key))])
        return _DONE
    if length > most:
        return _TOO_LONG
    return delete(view, key, length) if what == _DELETE else update(view, key, raw(value), length, what)


def clear(view):
    """Remove every prefix."""
    begin(view)
    for index in (_COUNT, _ROOT, _INNER_FREE, _INNER_FRESH, _FREE, _FRESH):
        put_word(view, index, 0)
    end(view)

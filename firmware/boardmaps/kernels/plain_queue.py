"""The kernels of queues and stacks in plain Python. The slots form a ring."""

from ..flags import const
from .plain_base import begin, end, fill, known, put_word, raw, word

# Words of a slice's header
_MAP_TYPE = const(2)
_VALUE_SIZE = const(5)
_MAX_ENTRIES = const(6)
_COUNT = const(7)
_FIRST = const(8)  # index of the slot that holds the oldest value
_ENTRIES = const(12)
_STRIDE = const(14)
_PEAK = const(18)

_STACK = const(23)
_ANY = const(0)  # BPF_ANY

# What put() answers
_FULL = const(3)
_WRONG_SIZE = const(4)

_LOOKED_AT = const(16)  # beside `over`: the value is right


def slot_at(view, behind_first):
    """Return where the slot that is so many behind the oldest value's begins."""
    slot = (word(view, _FIRST) + behind_first) % word(view, _MAX_ENTRIES)
    return word(view, _ENTRIES) + slot * word(view, _STRIDE)


def drop_first(view):
    """Pass the oldest value."""
    put_word(view, _FIRST, (word(view, _FIRST) + 1) % word(view, _MAX_ENTRIES))


def room(view):
    """Make room for a value behind the newest one, in a full ring over the oldest; return where it goes. The mark is set."""
    count = word(view, _COUNT)
    if count == word(view, _MAX_ENTRIES):
        at = slot_at(view, 0)
        drop_first(view)
    else:
        at = slot_at(view, count)
        put_word(view, _COUNT, count + 1)
        put_word(view, _PEAK, max(word(view, _PEAK), count + 1))
    return at


def put(view, value, over):
    """Copy the value behind the newest one; in a full map over the oldest one, if `over`. 0: done."""
    size = word(view, _VALUE_SIZE)
    if not over & _LOOKED_AT and not known(value, size):
        return _WRONG_SIZE
    if not over & 15 and word(view, _COUNT) == word(view, _MAX_ENTRIES):
        return _FULL
    value = raw(value)[:size]
    begin(view)
    at = room(view)
    view[at : at + size] = value
    end(view)
    return 0


def take(view, out, remove):
    """Copy the next value into `out`, and remove it or leave it; False when there is none."""
    count = word(view, _COUNT)
    if not count:
        return False
    newest = word(view, _MAP_TYPE) == _STACK
    at = slot_at(view, count - 1 if newest else 0)
    fill(out, view[at : at + word(view, _VALUE_SIZE)])
    if remove:
        begin(view)
        put_word(view, _COUNT, count - 1)
        if not newest:
            drop_first(view)
        end(view)
    return True


def empty(view):
    """Forget all values."""
    begin(view)
    put_word(view, _COUNT, 0)
    put_word(view, _FIRST, 0)
    end(view)


def drive(m):
    """Give a Queue or a Stack its functions."""

    def own_put(value, over):
        return put(m._slice, value, over)

    def push(value, flags=0):
        if flags is not _ANY or put(m._slice, value, 0):
            m._push_failed(value, flags)

    def pop_into(out):
        m._check_out("pop_into", b"", out)
        return take(m._slice, out, True)

    def peek_into(out):
        m._check_out("peek_into", b"", out)
        return take(m._slice, out, False)

    m._put = own_put
    m.push = push
    m.pop_into = pop_into
    m.peek_into = peek_into

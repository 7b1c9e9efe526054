"""What a map does not do: the names of all operations, and the error for those that its type does not have.

Runs unchanged on the board and on the computer; a board loads it with the first refusal.
"""

from .errors import NotSupported

# Operations beside those of all maps (freeze, clear), in groups; an operation may stand in several.
GROUPS = (
    "lookup lookup_into update delete next_key keys items batch_lookup batch_update batch_delete",
    "lookup_and_delete batch_lookup_and_delete",
    "add compare_and_swap",
    "lookup_percpu update_percpu split join",
    "push pop pop_into peek peek_into lookup lookup_into update lookup_and_delete",
    "output reserve reserve_into new_record read read_into query",
    "push newest oldest last window stats",
    "update_part fetch_or fetch_and fetch_xor exchange"
    " add_into fetch_or_into fetch_and_into fetch_xor_into exchange_into",
    "view",
    "push peek",
)


def is_operation(name: str) -> bool:
    """Return whether the maps of some type have this operation."""
    return name in " ".join(GROUPS).split()


def refusal(m, name):  # type: ignore[no-untyped-def]
    """Return what m.name is when m has no such attribute: a function that raises NotSupported, for an operation.

    A name that begins with host_ is what operations.py asks for the operation behind it.
    """
    op = name[5:] if name[:5] == "host_" else name
    if not op or (op == name and not is_operation(op)):
        raise AttributeError("%r has no %r" % (type(m).__name__, name))

    def refuse(*_, **__):  # type: ignore[no-untyped-def]
        refused(m, op)

    return refuse


def refused(m, op):  # type: ignore[no-untyped-def]
    """Raise NotSupported."""
    text = "%s %r: a %s has no such operation; %s"
    raise NotSupported(text % (op, m.name, type(m).__name__, m._instead))

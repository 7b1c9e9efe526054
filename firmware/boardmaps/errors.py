"""The errors of every map operation, the same classes on the board, on the twin and over the line.

A miss is a value (``None`` or ``False``), so these are for misuse and for limits. Each carries the number under which it
travels over the line (``code``) and the kernel's errno that it stands for.
"""


class MapError(Exception):
    """Base of all errors of a map operation."""

    code = 1
    errno = "EINVAL"
    done = 0  # entries that a batch had done when it stopped


class KeyNotFound(MapError):
    """No such key, or an array index out of range (kernel: ENOENT; array update: E2BIG)."""

    code = 2
    errno = "ENOENT"


class KeyExists(MapError):
    """BPF_NOEXIST on a key that is there."""

    code = 3
    errno = "EEXIST"


class OutOfMemory(MapError):
    """The map is full (kernel: E2BIG), or the pool is exhausted at creation (kernel: ENOMEM)."""

    code = 4
    errno = "E2BIG"


class InvalidKeySize(MapError):
    """The key has the wrong length in bytes."""

    code = 5


class InvalidValueSize(MapError):
    """The value, or the caller's buffer for it, has the wrong length in bytes."""

    code = 6


class InvalidFlags(MapError):
    """Flag bits that this operation or this map type does not know."""

    code = 7


class InvalidDefinition(MapError):
    """Zero sizes, a bad name, an unknown type, sizes past the limits (kernel: EINVAL, E2BIG)."""

    code = 8


class NotPermitted(MapError):
    """The map is frozen, read-only or write-only for the caller."""

    code = 9
    errno = "EPERM"


class NotSupported(MapError):
    """An operation that this map type, or this profile, does not have."""

    code = 10
    errno = "EOPNOTSUPP"


class StaleMap(MapError):
    """The map is gone: its pool was reset, or no map has this id (kernel: EBADF)."""

    code = 11
    errno = "EBADF"


class InvalidValue(MapError):
    """What a map's schema does not allow: an unknown field, a number out of range, no name of a value, a text too long."""

    code = 12
    errno = "ERANGE"


ERRORS = (
    MapError,
    KeyNotFound,
    KeyExists,
    OutOfMemory,
    InvalidKeySize,
    InvalidValueSize,
    InvalidFlags,
    InvalidDefinition,
    NotPermitted,
    NotSupported,
    StaleMap,
    InvalidValue,
)


def error_for(code: int) -> type[MapError]:
    """Return the class that travels as `code`; an unknown code gives MapError itself."""
    return ERRORS[code - 1] if 0 < code <= len(ERRORS) else MapError

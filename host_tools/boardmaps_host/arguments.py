"""The way in of the twin's maps and of a board's: what is given is looked at before anything is done or sent.

Keys, values and buffers are any contiguous buffers, counted in bytes; numbers are ints. What is neither raises TypeError.
"""

from collections.abc import Sequence

from boardmaps.abi import U32_MAX


def index_bytes(index: int) -> bytes:
    """Return an array's index as a key. One that no u32 holds is out of range like the largest: no array has 2**32 entries."""
    return (index if 0 <= index <= U32_MAX else U32_MAX).to_bytes(4, "little")


class Arguments:
    """What a map of either sort asks of its arguments. `op` and `what` name the call and the argument in errors."""

    _indexed = False  # whether a key may be an int

    @property
    def name(self) -> str:
        """The map's name, '' when it has none."""
        raise NotImplementedError

    def _bytes(self, op: str, what: str, given: object) -> bytes:
        """Return `given` as bytes that nobody else can change."""
        if type(given) is bytes:
            return given
        try:
            view = memoryview(given)  # type: ignore[arg-type] # what is none is refused here
        except TypeError:
            raise TypeError(f"{op} {self.name!r}: a {what} is bytes-like, not {type(given).__name__}") from None
        if not view.contiguous:
            raise TypeError(f"{op} {self.name!r}: a {what} lies in one piece, and this memoryview does not")
        return bytes(view)

    def _types(self, op: str, what: str, given: Sequence[object]) -> None:
        """Refuse a batch in which something is no bytes, before anything is done."""
        if list(map(type, given)).count(bytes) != len(given):
            for one in given:
                if not (what == "key" and self._indexed and isinstance(one, int) and not isinstance(one, bool)):
                    self._bytes(op, what, one)

    def _writable(self, op: str, out: bytearray | memoryview) -> memoryview:
        """Return the caller's buffer as bytes that can be written."""
        try:
            target = memoryview(out).cast("B")
        except TypeError:
            target = memoryview(b"")
        if target.readonly:
            raise TypeError(f"{op} {self.name!r}: out is a writable buffer, not {type(out).__name__}")
        return target

    def _whole(self, op: str, what: str, given: int) -> int:
        """Return a number that is given."""
        if not isinstance(given, int):
            raise TypeError(f"{op} {self.name!r}: {what} is a number, not {type(given).__name__}")
        return given

"""Several changes as one: what `with board.commit():` stages, and how the board is had to make it.

Writes of the block are kept here in place of being sent; at its end they go in one request, which the board looks at as a whole
before it makes any of them. Where its firmware calls tick() they are made there, and the board is asked until they are.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from struct import pack, unpack_from
from typing import TYPE_CHECKING, Any

from boardmaps.abi import (
    OP_ADD,
    OP_COMMIT,
    OP_COMMITTED,
    OP_DELETE,
    OP_EXPECT,
    OP_SUBSCRIBE,
    OP_UNSUBSCRIBE,
    OP_UPDATE,
    OP_UPDATE_PART,
)
from boardmaps.errors import MapError, NotSupported
from boardmaps_host.client.errors import LinkError, OutcomeUnknown, Restarted
from boardmaps_host.client.info import ask, reading

if TYPE_CHECKING:
    from boardmaps_host.client.link import Link
    from boardmaps_host.client.maps.base import Key, RemoteMap

_TAKEN = (OP_UPDATE, OP_UPDATE_PART, OP_DELETE)
_PASSED = (OP_SUBSCRIBE, OP_UNSUBSCRIBE)
_MOST = 0xFFFF  # bytes of a change
# Seconds until the board is asked for the first time whether they hold; each pause is longer than the one before
_FIRST_LOOK = 0.002
_LAST_LOOK = 0.05
_UNKNOWN = "A commit waited for the firmware's tick(): all of it may have been made, once, or nothing. Look."


class Commit:
    """The changes of a `with board.commit() as commit:` block. Other threads than the one that began it write as always."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._boot = link.boot
        self._changes: list[bytes] = []
        self._thread = threading.get_ident()
        self._adding = self._expecting = False

    def __len__(self) -> int:
        return len(self._changes)

    def add(self, m: RemoteMap, key: Key, delta: int, offset: int = 0, width: int | None = None) -> None:
        """Stage an addition to an unsigned little-endian number, as the map's add() has it; the new number is not told."""
        self._adding = True
        try:
            m.add(key, delta, offset, width)
        finally:
            self._adding = False

    def expect(self, m: RemoteMap, key: Key, data: bytes, offset: int = 0) -> None:
        """Have all of this made only if a value holds these bytes at an offset, before the first change of the commit.

        MapError at the end of the block when it does not, KeyNotFound when there is no such entry: nothing is changed then.
        """
        self._expecting = True
        try:
            m.update_part(key, offset, data)  # type: ignore[attr-defined] # takes the same
        finally:
            self._expecting = False

    # -- for Link

    @contextlib.contextmanager
    def staging(self) -> Iterator[None]:
        """Have what this thread writes staged while the block runs."""
        if self._link.staging is not None:
            raise MapError("commit: another one has begun, and has not ended; a board has one at a time in a program")
        self._link.staging = self
        try:
            yield
        finally:
            self._link.staging = None

    def takes(self, payload: bytes) -> bool:
        """Whether a request that changes something is this block's."""
        return threading.get_ident() == self._thread and payload[0] not in _PASSED

    def take(self, payload: bytes, boot: str | None) -> bytes:
        """Stage a request; return what stands for its reply."""
        op = payload[0]
        if op == OP_UPDATE_PART and self._expecting:
            payload = bytes((OP_EXPECT,)) + payload[1:]
            reply = b"\0"
        elif op == OP_ADD and self._adding:
            reply = bytes(9)  # nobody sees it
        elif op in _TAKEN:
            reply = b"\0"
        elif op == OP_ADD:
            raise NotSupported("add: inside a commit the new number is not known yet; use the commit's own add()")
        else:
            raise NotSupported(
                f"operation {op}: a commit takes update, update_part, delete and its own add(); do this before or behind it"
            )
        if boot is not None and boot != self._boot:
            raise LinkError(
                f"{self._link.name}: the board restarted inside the commit; nothing was changed. Do it again."
            )
        if len(payload) > _MOST:
            raise NotSupported(f"commit: a change of {len(payload):,} bytes is more than one takes, {_MOST:,}")
        self.stage(payload)
        return reply

    def stage(self, change: bytes) -> None:
        """Stage a request on a map of the board as it is."""
        self._changes.append(change)

    def make(self) -> None:
        """Have the board make what is staged; return when it holds. Raises why it does not, and nothing was changed then."""
        if not self._changes:
            return
        link = self._link
        changes = b"".join(pack("<H", len(change)) + change for change in self._changes)
        try:
            data = ask(link, bytes((OP_COMMIT,)) + changes, changes=True, boot=self._boot) or b""
        except Restarted as e:
            raise LinkError(f"{e} Nothing of the commit was made; do it again.") from e
        with reading("commit", changed=True):
            if data[0]:
                return
            number = data[1:5]
            if len(number) != 4:
                raise ValueError("its number is cut short")
        self._wait(number)

    def _wait(self, number: bytes) -> None:
        """Wait until a commit holds that the firmware makes at its tick(); withdraw it when that does not come."""
        link = self._link
        end = time.monotonic() + link.connection.timeout
        pause = _FIRST_LOOK
        try:
            while True:
                time.sleep(pause)
                pause = min(pause * 1.5, _LAST_LOOK)
                late = time.monotonic() > end
                data = ask(link, bytes((OP_COMMITTED,)) + number + bytes((late,)), boot=self._boot)
                if data == b"\1":
                    return
                if late or data is None:
                    break
        except LinkError as e:
            raise OutcomeUnknown(f"{e} {_UNKNOWN}") from e
        if data is None:
            raise OutcomeUnknown(
                f"{link.name}: the board has made many others since, and forgotten this one. {_UNKNOWN}"
            )
        why = f"the firmware has not called tick() for {link.connection.timeout:g} s"
        raise MapError(f"commit: {why}; it is withdrawn, and nothing was changed")


@contextlib.contextmanager
def committing(link: Link) -> Iterator[Commit]:
    """Have what the block writes hold together, as Board.commit() says."""
    commit = Commit(link)
    with commit.staging():
        yield commit
    commit.make()


def changes_in(payload: bytes) -> list[bytes]:
    """Return the changes in a COMMIT, as requests of their own. Raises struct.error for what is none."""
    return [one for one in parts_of(payload) if one[:1] != bytes((OP_EXPECT,))]


def parts_of(payload: bytes) -> list[bytes]:
    """Return all that is in a COMMIT, what it expects too. Raises struct.error for what is none."""
    found, at = [], 1
    while at < len(payload):
        (size,) = unpack_from("<H", payload, at)
        at += 2 + size
        found.append(payload[at - size : at])
    return found


def staged(link: Any) -> bool:
    """Whether what this thread writes on a connection now is staged; of what is no connection to a board it is not."""
    staging = getattr(link, "staging", None)
    return isinstance(staging, Commit) and staging.takes(b"\0")

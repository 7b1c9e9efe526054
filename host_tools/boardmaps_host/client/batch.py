"""What requests.py has under way: requests in order, several in flight at once, and what has come of them.

A call's requests are all there from the start, and are one call's: when the board loses its session in the midst of them, all
of them are in doubt together. share/forward.py has the other sort, which grows while it is under way and is many programs'.
"""

from collections.abc import Mapping, Sequence

from boardmaps_host.client.errors import OutcomeUnknown

LOOK = "it may have happened, once, or not at all. Look before you make it again."


class Batch:
    """The requests of one call. `changes`: whether they may change something on the board."""

    payloads: Sequence[bytes] | Mapping[int, bytes]

    def __init__(self, payloads: Sequence[bytes], changes: bool) -> None:
        self.payloads = payloads
        self.changes = changes
        self.waiting = list(range(len(payloads) - 1, -1, -1))  # indexes of those to be sent, the next one last
        self.flying: dict[int, int] = {}  # the number of each request in flight, and its index
        self.replies = [b""] * len(payloads)

    def pending(self) -> bool:
        """Whether something is still to be sent, or without its reply."""
        return bool(self.waiting or self.flying)

    def in_doubt(self) -> bool:
        """Whether one that changes something was sent: it may have happened, if the run ends now."""
        return self.changes and len(self.waiting) < len(self.payloads)

    def replied(self, index: int, payload: bytes) -> None:
        """Take the reply to a request."""
        self.replies[index] = payload

    def lost(self, doubtful: Sequence[int], name: str, boot: str | None) -> None:
        """The board has lost the session; what was in flight waits again. `doubtful` are those that it may have executed.

        `boot` is its boot id when it has restarted, else None. Raises OutcomeUnknown when they may have changed something.
        """
        if self.changes and doubtful:
            why = "the board ended the session" if boot is None else "the board restarted"
            raise OutcomeUnknown(f"{name}: {why} with a change in flight; {LOOK}")

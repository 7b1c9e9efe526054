"""How long an answer takes: measured, and from that when one is overdue. Times are seconds of any monotonic clock."""

_FIRST = 0.25
_LEAST = 0.03
_MOST = 0.5  # of a line that loses frames; a board that takes longer than that to answer is given longer
_MOST_UNKNOWN = 1.0  # while nothing was measured: the line may be a slow one


class RoundTrip:
    """RFC 6298: a smoothed round trip and its variation give the time after which an answer is `overdue`.

    As by Karn, the answer to a request that was sent more than once says nothing, for nobody knows which sending it answers:
    unless it turns out that all of them were answered. Then nothing was lost and the board is slow. Without that a slow
    board's round trips would never be measured, each being repeated before its answer, and what is repeated would keep it
    from ever coming to an end.
    """

    def __init__(self) -> None:
        self.overdue = _FIRST
        self.smoothed = 0.0
        self._variation = 0.0
        self._slowed = -1.0
        self._measured = -1.0
        self._doubtful = (
            -1,
            0,
            0.0,
        )  # a request that was sent again, the answers that may yet come, what the first took

    def answered(self, first: float, now: float) -> None:
        """The request that was sent at `first`, and only then, is answered."""
        if now != self._measured:  # of those that came in one go the first waited longest
            self._measured = now
            self._measure(now - first)

    def answered_late(self, seq: int, copies: int, took: float) -> None:
        """Request `seq`, of which `copies` were sent, is answered, `took` seconds after the first of them."""
        self._doubtful = seq, copies - 1, took

    def answered_again(self, seq: int) -> None:
        """Another answer to a request has come that was answered before."""
        number, copies, took = self._doubtful
        if number == seq:
            self._doubtful = number, copies - 1, took
            if copies == 1:
                self._measure(took)

    def unanswered(self, sent: float, now: float) -> None:
        """What was sent at `sent` is overdue: wait twice as long for the next."""
        if sent >= self._slowed:  # else it is one of the same burst, which says nothing new of the line
            self._slowed = now
            self.overdue = min(self.overdue * 2, max(_MOST if self.smoothed else _MOST_UNKNOWN, self._usual()))

    def _usual(self) -> float:
        return self.smoothed + 4 * self._variation

    def _measure(self, took: float) -> None:
        if self.smoothed:
            self._variation += (abs(took - self.smoothed) - self._variation) / 4
            self.smoothed += (took - self.smoothed) / 8
        else:
            self.smoothed, self._variation = took, took / 2
        self.overdue = max(self._usual(), _LEAST)

"""What can go wrong between the computer and a board. What goes wrong in a map is a boardmaps.MapError, as on the board."""

from boardmaps_host.terminal import harmless


class LinkError(Exception):
    """Base of all errors of the line. The text says what happened, why, and what to do.

    What the board has said in it is made harmless for a terminal when it is turned into text. `may_have_happened` is whether
    the call that raised it may have changed something on the board: then look before you make it again. False is certain.
    """

    may_have_happened = False

    def __str__(self) -> str:
        return harmless(super().__str__())


class PortMissing(LinkError):
    """There is no such port."""


class PortGone(LinkError):
    """The port was there and is not any more: the board was unplugged, or its USB restarted."""


class PortReleased(PortGone):
    """Another program has the port for a while: a deploy, or `boardmaps release`. It comes back when that has ended."""


class PortBusy(LinkError):
    """Another program has the port."""


class NoAnswer(LinkError):
    """Nothing on the port speaks to us: no REPL that is free, no server of maps."""


class NotDeployed(LinkError):
    """A MicroPython board without boardmaps."""


class VersionMismatch(LinkError):
    """The board and the computer have no protocol version in common."""


class LinkTimeout(LinkError):
    """The board has stopped answering a call that changes nothing."""


class FirmwareError(LinkError):
    """The program that served the maps has ended; `traceback` is what the board printed of its exception, "" if it did not.

    A change that was in flight then may have happened: `may_have_happened` tells.
    """

    def __init__(self, text: str, traceback: str = "") -> None:
        super().__init__(text)
        self.traceback = traceback


class OutcomeUnknown(LinkError):
    """The board restarted, or fell silent, with a change in flight: it may have happened, once, or not at all."""

    may_have_happened = True


class Restarted(LinkError):
    """The board has restarted since what this call needs was looked up; the call has changed nothing."""

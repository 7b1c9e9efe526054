"""Which line a program gets to a port: to its hub, where programs share it, or the port itself."""

import os

from boardmaps_host.client.errors import PortBusy
from boardmaps_host.client.transports import open_port
from boardmaps_host.client.transports.base import Transport


def open_line(
    port: str, timeout: float, serve: str, key: bytes | str | None = None, share: bool | None = None
) -> Transport:
    """Open the line to a port, as connect() has the options; `serve` starts a server in a free REPL, for a hub to say.

    Raises what opening a port, or attaching to its hub, raises.
    """
    if port.startswith("tcp://"):
        # saves start-up time: sockets, for a board on the network alone
        from boardmaps_host.client.transports.tcp import refuse_without_key

        refuse_without_key(port, key)
    return _shared(port, timeout, serve, key, share) or _alone(port)


def _shared(target: str, timeout: float, serve: str, key: bytes | str | None, share: bool | None) -> Transport | None:
    """Return the line to the hub of a port, None when the port is to be owned alone."""
    if share is None:
        share = os.environ.get("BOARDMAPS_SHARE", "1") != "0"
    if not share or target.startswith(("rfc2217://", "spy://")):
        return None
    # saves start-up time: what owns its port alone has no hub
    from boardmaps_host.client.transports.shared import SharedTransport
    from boardmaps_host.share.meeting import port_name, shared_port

    name = port_name(target)
    port = shared_port(name)
    return None if port is None else SharedTransport(name, port, timeout, serve, key)


def _alone(port: str) -> Transport:
    """Open a port for this program alone. Raises PortBusy, which says so when programs share it."""
    try:
        return open_port(port)
    except PortBusy as e:
        from boardmaps_host.share.meeting import hub_of  # saves start-up time: only when somebody has the port

        hub = hub_of(port)
        if hub is None:
            raise
        raise PortBusy(
            f"{port} is shared by other programs, through its hub (pid {hub}). Leave out share=False and BOARDMAPS_SHARE, or "
            f"have it for a while: boardmaps release {port}"
        ) from e

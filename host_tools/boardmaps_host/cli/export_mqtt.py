"""`boardmaps export mqtt`: boards at an MQTT broker, and in Home Assistant."""

import os
from contextlib import suppress

from . import fleet, output
from .drawing import click


@click.command("mqtt")
@click.option(
    "--broker",
    default="127.0.0.1",
    show_default=True,
    metavar="HOST[:PORT]",
    help="Where the broker is; port 1883 by itself, 8883 with --tls.",
)
@click.option("--user", metavar="NAME", help="Who you are there; the password is in $BOARDMAPS_MQTT_PASSWORD.")
@click.option("--tls", is_flag=True, help="Speak TLS with the broker, whose certificate this computer must trust.")
@click.option(
    "--prefix",
    default="boardmaps",
    show_default=True,
    metavar="TOPIC",
    help="What the topics of all boards begin with.",
)
@click.option(
    "--discovery",
    default="homeassistant",
    show_default=True,
    metavar="TOPIC",
    help="Where Home Assistant looks for what there is; '' tells it nothing.",
)
@click.option(
    "--off-step",
    type=click.Choice(["round", "refuse"]),
    default="round",
    show_default=True,
    help="What becomes of a number that is sent and is on no step of its field's.",
)
@fleet.every
@fleet.boards
def command(
    boards: fleet.Boards,
    maps: tuple[str, ...],
    timeout: float,  # noqa: ARG001 - it is in `boards` already
    broker: str,
    user: str | None,
    tls: bool,
    prefix: str,
    discovery: str,
    off_step: str,
    every: float,
    as_json: bool,
) -> int:
    """Have boards' values at an MQTT broker, and write what is sent to them, until Ctrl-C.

    A value is the retained topic PREFIX/BOARD/MAP/KEY/FIELD; what is sent to .../FIELD/set is written on the board, which is read
    then. PREFIX/status and PREFIX/BOARD/status are online or offline. In Home Assistant a field with a range is a number, one with
    names a select, a bool a switch, and what only the firmware writes a sensor.

    JSON: {"broker", "boards"} when it begins.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.export.broker import Broker
    from boardmaps_host.export.mqtt import Bridge
    from boardmaps_host.export.poller import Fleet

    if any(sign in prefix + discovery for sign in "+#") or not prefix.strip("/"):
        raise click.UsageError(
            "--prefix and --discovery are topics: they have no + and no #, and a prefix is not empty."
        )
    host, port = _address(broker, 8883 if tls else 1883)
    at = Broker(
        host, port, user, os.environ.get("BOARDMAPS_MQTT_PASSWORD"), tls, prefix.strip("/"), discovery.strip("/")
    )
    if as_json:
        output.as_json({"broker": f"{host}:{port}", "boards": list(boards)})
    output.attached()
    told = fleet.Told(boards, maps)
    with Fleet(boards, every, maps) as watched:
        bridge = Bridge(watched, at, lambda text: output.note(f"boardmaps: {text}"), rounds=off_step == "round")
        with suppress(KeyboardInterrupt):
            bridge.run(watched.readings(None), told)
    return 0


def _address(text: str, default: int) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, str(default)
    if not port.isdecimal() or not 0 < int(port) <= 0xFFFF or not host:
        raise click.UsageError(f"--broker {text}: give HOST or HOST:PORT.")
    return host.strip("[]"), int(port)

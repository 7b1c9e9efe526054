"""`console` and `map watch`: what the board tells unasked, on the command line."""

import json
import signal
import subprocess

import pytest

from boardmaps_host.client.transports.serial import holders_of
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import BOARDMAPS, Command, environment
from tests.top.terminals import Terminal
from tests.waits import PATIENCE, eventually


def test_a_watched_map_is_told_as_it_changes(on: Command, firmware: object) -> None:
    port = firmware.port  # type: ignore[attr-defined]
    on("map", "update", "name", "temps", "key", "str:kitchen", "value", "u32:21")
    done = on("map", "watch", "name", "temps", "--for", "0.3", "--json")
    assert done.returncode == 0, done.stderr
    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert event["key"][0] == "0x6b"
    assert event["value"] == ["0x15", "0x00", "0x00", "0x00"]
    plain = on("map", "watch", "name", "temps", "key", "str:kitchen", "--for", "0.3")
    assert plain.stdout.splitlines() == ["key 6b 69 74 63 68 65 6e 00 'kitchen'  value 15 00 00 00 21"]
    on("map", "delete", "name", "temps", "key", "str:kitchen")
    gone = on("map", "watch", "name", "temps", "key", "str:kitchen", "--for", "0.3")
    assert gone.stdout.splitlines() == ["key 6b 69 74 63 68 65 6e 00 'kitchen'  value gone"]
    assert port


def test_ctrl_c_ends_the_command_and_not_the_firmware(firmware: object, on: Command) -> None:
    port = firmware.port  # type: ignore[attr-defined]
    command = [*BOARDMAPS, "console", "--port", port]
    shown = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        assert eventually(lambda: shown.pid in [pid for pid, _ in holders_of(port)])
        shown.send_signal(signal.SIGINT)
        _, said = shown.communicate(timeout=PATIENCE)
    finally:
        shown.kill()
        shown.communicate()
    assert (shown.returncode, said) == (130, "")
    assert on("map", "show").returncode == 0


@pytest.mark.parametrize(
    "words", [("console",), ("map", "watch", "hits"), ("export", "csv")], ids=["console", "map watch", "export"]
)
def test_a_person_at_a_terminal_is_told_that_it_goes_on(firmware: UnixBoard, words: tuple[str, ...]) -> None:
    with Terminal([*BOARDMAPS, *words, "--port", firmware.port]) as terminal:
        terminal.sees("boardmaps: attached; Ctrl-C ends")
        terminal.press("\x03")
        assert terminal.ends() in (0, 130)

"""`boardmaps key`: makes the key of a board with a locked line."""

import secrets
import sys

from . import options, output
from .drawing import click


@click.command("key")
@click.option("--id", "board_id", metavar="HEX", help="The board's id: make the key of a pass phrase for that board.")
@options.as_json
def command(board_id: str | None, as_json: bool) -> None:
    """Make a key for a board's locked line, and tell where it goes. Each board gets its own.

    By itself it is 16 random bytes. With --id it is made of a pass phrase, which is asked for, or read from the input: the
    board has the key alone, and the computer the pass phrase. A board tells its id in its REPL:
    `from boardmaps.serving.identity import identity` and `print(identity().hex())`.

    JSON: {"board", "computer"}: the line for the board's program, and what a key file or BOARDMAPS_KEY has, null for a pass
    phrase.
    """
    if board_id is None:
        key = secrets.token_bytes(16)
        computer = f"hex:{key.hex()}"
    else:
        # saves start-up time: scrypt, for a pass phrase alone
        from boardmaps_host.client.lock import stretched

        try:
            identity = bytes.fromhex(board_id)
        except ValueError:
            raise click.UsageError(f"--id {board_id}: an id is hexadecimal bytes.") from None
        try:
            key = stretched(_phrase(), identity)
        except ValueError as e:
            raise click.UsageError(f"{e}.") from None
        computer = ""
    board = f"KEY = bytes.fromhex('{key.hex()}')"
    if as_json:
        output.as_json({"board": board, "computer": computer or None})
        return
    output.say(f"on the board, for boardmaps.Server(key=KEY): {board}")
    output.say(f"on the computer, in a file for --key-file or in BOARDMAPS_KEY: {computer or 'pass:YOUR PASS PHRASE'}")


def _phrase() -> str:
    if sys.stdin.isatty():
        phrase: str = click.prompt("pass phrase", hide_input=True, confirmation_prompt=True, err=True)
        return phrase
    return sys.stdin.readline().rstrip("\r\n")

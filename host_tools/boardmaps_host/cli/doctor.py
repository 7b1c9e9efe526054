"""`boardmaps doctor`: what stands between this computer and a board's maps, and what to do."""

from dataclasses import asdict

from . import options, output
from .drawing import click


@click.command("doctor")
@options.maybe_target
def command(target: options.Target | None, as_json: bool) -> int:
    """Look at a board from the port upwards: is it there, may this user open it, who has it, what runs there, how fast it answers.

    Without --port, the only board that is plugged in. What is wrong gives status 1, with what to do; nothing on the board changes.
    To find the largest free block of its heap, that is taken for tens of milliseconds, in which nothing else runs there.

    JSON: {"port", "ok", "checks": [{"name", "state": "ok" or "note" or "wrong", "text", "do"}]}.
    """
    # saves start-up time: needed by this command alone
    from boardmaps_host.doctor import examine

    asked = target or options.Target("auto", 5.0, None)
    found = []
    for check in examine(asked.port, asked.timeout, asked.key, accept_board=asked.accept_board):
        found.append(check)
        if not as_json:
            sign = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}[check.state]
            output.say(f"{sign}  {check.name + ':':<12}{check.text}", flush=True)
            if check.do:
                output.say(f"       {'':<12}to do: {check.do}", flush=True)
    ok = all(check.state != "wrong" for check in found)
    if as_json:
        output.as_json({"port": asked.port, "ok": ok, "checks": [asdict(check) for check in found]})
    return int(not ok)

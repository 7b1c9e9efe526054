"""`boardmaps top --web`: the view's own page drives it, another page does not."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator

import aiohttp
import pytest

from tests.cli.conftest import BOARDMAPS, environment
from tests.waits import PATIENCE, eventually


def _answers(port: int) -> bool:
    with socket.socket() as line:
        return line.connect_ex(("localhost", port)) == 0


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The command, serving a twin's view, and its port."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    command = [*BOARDMAPS, "top", "--port", "twin", "--web", "--web-port", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(PYTHONUNBUFFERED="1")
    )
    try:
        assert process.stdout is not None
        assert f"http://localhost:{port}" in process.stdout.readline()
        assert eventually(lambda: _answers(port))
        yield process, port
    finally:
        process.kill()
        process.communicate()


def test_a_page_shows_the_view_and_keys_reach_it(server: tuple[subprocess.Popen[str], int]) -> None:
    _, port = server
    base = f"http://localhost:{port}"

    async def use() -> None:
        async with aiohttp.ClientSession() as session:
            async with session.get(base) as page:
                assert page.status == 200
            async with session.ws_connect(f"{base}/ws?width=80&height=24", origin=base) as view:
                drawn = b""
                while b"nothing is in" not in drawn and b"Quit" not in drawn:
                    message = await view.receive(PATIENCE)
                    drawn += message.data if isinstance(message.data, bytes) else b""
                await view.send_str(json.dumps(["stdin", "?"]))
                while b"move; Tab goes between" not in drawn:
                    message = await view.receive(PATIENCE)
                    assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), message
                    drawn += message.data if isinstance(message.data, bytes) else b""

    asyncio.run(use())


@pytest.mark.parametrize(
    "headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Origin": "http://localhost:1"}]
)
def test_another_page_is_refused(server: tuple[subprocess.Popen[str], int], headers: dict[str, str]) -> None:
    _, port = server

    async def use() -> int:
        async with aiohttp.ClientSession(headers=headers) as session:
            try:
                async with session.ws_connect(f"http://localhost:{port}/ws"):
                    return 101
            except aiohttp.WSServerHandshakeError as refused:
                return refused.status

    assert asyncio.run(use()) == 403


def test_a_port_that_is_taken_says_so(server: tuple[subprocess.Popen[str], int]) -> None:
    _, port = server
    words = ["top", "--port", "twin", "--web", "--web-port", str(port)]
    done = subprocess.run([*BOARDMAPS, *words], capture_output=True, text=True, check=False, env=environment())
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "--web-port NUMBER" in done.stderr


def test_ctrl_c_ends_it(server: tuple[subprocess.Popen[str], int]) -> None:
    process, _ = server
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said) == (130, "")

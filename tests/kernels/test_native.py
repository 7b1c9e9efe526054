"""Native modules that a board cannot use are refused with what to do, and never run: the unix port with those for x64."""

import os
import random
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from boardmaps.abi import VERSION
from boardmaps_sim.find import find_micropython
from tests.board.conftest import with_native
from tests.board.natives import native
from tests.require import require_board

USE = """
import boardmaps, sys
h = boardmaps.HashMap(4, 4, 4)
h.update(b"1234", b"abcd")
r = boardmaps.RingBuf(64)
r.output(b"record")
assert h.check() is r.check() is None
print(h.lookup(b"1234"), r.read()[1], sorted(n.split(".")[-1] for n in sys.modules if n.startswith("boardmaps.kernels.")))
"""
GOOD = "b'abcd' b'record' ['c_check', 'c_common', 'c_queue', 'native']"

Run = Callable[[], str]


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """The folder of kernels of a copy of the firmware, with the native modules."""
    require_board("unix")
    return with_native(tmp_path) / "boardmaps" / "kernels"


@pytest.fixture
def run(kernels: Path) -> Run:
    """Return a function that uses maps of both modules there and returns the last line: of an exception its text. Never a crash."""

    def use() -> str:
        done = subprocess.run(
            [find_micropython(None), "-c", USE],
            env={**os.environ, "MICROPYPATH": f"{kernels.parents[1]}:.frozen"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert done.returncode in (0, 1), f"a crash: {done}"
        return (done.stdout + done.stderr).splitlines()[-1]

    return use


def sound(content: bytes) -> bytes:
    """Return a file with the CRC-32 that makes it whole again."""
    return content[:-4] + zlib.crc32(content[:-4]).to_bytes(4, "little")


def test_whole_ones_are_used(run: Run) -> None:
    assert run() == GOOD


@pytest.mark.parametrize("name", ["c_common", "c_queue", "c_check"])
def test_what_is_cut_short_or_changed_is_refused(run: Run, kernels: Path, name: str) -> None:
    file = kernels / f"{name}.mpy"
    whole, some = file.read_bytes(), random.Random(11)
    broken = [whole[:n] for n in (0, 1, 4, len(whole) - 1, *some.sample(range(len(whole)), 6))]
    for _ in range(6):
        at = some.randrange(len(whole))
        broken.append(whole[:at] + bytes((whole[at] ^ 1 << some.randrange(8),)) + whole[at + 1 :])
    for content in broken:
        file.write_bytes(content)
        assert run() == f"ImportError: {file} does not load (it was cut short or changed): run boardmaps deploy"
    file.write_bytes(whole)
    assert run() == GOOD


@pytest.mark.parametrize("name", ["c_common", "c_queue", "c_check"])
def test_what_is_for_another_board_or_version_is_refused(run: Run, kernels: Path, name: str) -> None:
    file = kernels / f"{name}.mpy"
    ours = file.read_bytes()
    assert VERSION.encode() in ours
    for content, why in (
        (native("armv7m")[file.name], "incompatible .mpy arch"),
        (sound(ours[:1] + b"\x05" + ours[2:]), "incompatible .mpy file"),
        (sound(ours[:2] + bytes((ours[2] ^ 1,)) + ours[3:]), "incompatible .mpy file"),
        (sound(ours.replace(VERSION.encode(), b"9.9.9")), f"of boardmaps 9.9.9, not {VERSION}"),
    ):
        file.write_bytes(content)
        assert run() == f"ImportError: {file} does not load ({why}): run boardmaps deploy"


def test_one_that_is_missing_is_refused_and_without_any_others_are_used(run: Run, kernels: Path) -> None:
    (kernels / "c_queue.mpy").unlink()
    assert run() == f"ImportError: {kernels}/c_queue.mpy does not load ([Errno 2] ENOENT): run boardmaps deploy"
    (kernels / "c_common.mpy").unlink()
    assert (
        run() == "b'abcd' b'record' ['native', 'plain_check', 'viper_base', 'viper_hash', 'viper_keyed', 'viper_ring']"
    )

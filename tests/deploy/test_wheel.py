"""The wheel carries the native modules that are built, those of its own sources; without any it is built all the same."""

import json
import shutil
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.builders.wheel import WheelBuilder

from boardmaps_host.deploy.native import FILES
from boardmaps_sim.chips import native

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of build/native."""
    folder = tmp_path / "native"
    folder.mkdir()
    monkeypatch.setattr(native, "OUT", folder)
    return folder


def modules(tmp_path: Path) -> dict[str, bytes]:
    """Build a wheel; return what it has in boardmaps_host/native, path to content."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(tmp_path / "dist"), versions=["standard"])
    with ZipFile(wheel) as archive:
        inside = [name for name in archive.namelist() if name.startswith("boardmaps_host/native/")]
        assert "boardmaps/kernels/native.py" in archive.namelist()
        return {name.removeprefix("boardmaps_host/native/"): archive.read(name) for name in inside}


def build(folder: Path, sources: str) -> None:
    folder.mkdir()
    for name in FILES:
        (folder / name).write_bytes(folder.name.encode())
    (folder / "made_of.json").write_text(json.dumps({"micropython": "1.26.1", "sources": sources}))


def test_without_native_modules(built: Path, tmp_path: Path) -> None:
    assert modules(tmp_path) == {}
    shutil.rmtree(built)
    assert modules(tmp_path) == {}


def test_those_of_these_sources_go_along(built: Path, tmp_path: Path) -> None:
    build(built / "armv7m", native.made_of())
    build(built / "x64", "others")
    found = modules(tmp_path)
    assert found.pop("armv7m/made_of.json")
    assert found == {f"armv7m/{name}": b"armv7m" for name in FILES}

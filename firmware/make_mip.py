"""Write a package of each processor that there are native modules for, into build/mip/PROCESSOR: `make mip`.

A package has what deploy sends to stock firmware: the modules as .mpy and the kernels in C. `mpremote mip install` takes one
from its folder, and from any server that the folder is put on. A Thumb processor takes that of every lower one.

build/mip/index is the layout of an index: on any web server, `mpremote mip install --index URL boardmaps-armv6m` takes what lies
there. In it `boardmaps` is the sources, for every board, and `boardmaps-PROCESSOR` a processor's package. An index has
package/FORMAT/NAME/VERSION.json, where FORMAT is the board's .mpy format or `py`, and file/AB/ABCD…, files by their SHA-256.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

from boardmaps.abi import VERSION
from boardmaps_host.deploy.files import ARCHITECTURES, Payload, Target, payload_for
from boardmaps_host.deploy.native import IN_MODULES, native_modules
from boardmaps_sim.chips.cache import PROJECT
from boardmaps_sim.chips.native import PROCESSORS

OUT = PROJECT / "build" / "mip"
_HASH = 16  # hex digits of a file's name in an index; mip compares as many as it is given


def payload_of(processor: str) -> Payload:
    """Return the files for stock firmware on a processor, in the .mpy version of its native modules."""
    _, version, feature = next(iter(native_modules(processor).values()))[:3]
    mpy = version | (feature & 3) << 8 | ARCHITECTURES.index(processor) << 10
    payload = payload_for(Target("micropython", "", "", mpy))
    if payload.kernels != IN_MODULES or not payload.form.startswith("mpy"):
        raise SystemExit(f"no package for {processor}: it would have {payload.form}; kernels: {payload.kernels}")
    return payload


def write_package(processor: str) -> Path:
    """Write a processor's package anew; return its package.json."""
    folder = OUT / processor
    shutil.rmtree(folder, ignore_errors=True)
    files = {f"boardmaps/{name}": content for name, content in payload_of(processor).files.items()}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    package = folder / "package.json"
    package.write_text(
        json.dumps({"version": VERSION, "deps": [], "urls": [[n, n] for n in sorted(files)]}, indent=4) + "\n"
    )
    return package


def sources() -> dict[str, bytes]:
    """Return the modules as they are, for a board whose .mpy format or processor is not known."""
    firmware = PROJECT / "firmware"
    return {
        path.relative_to(firmware).as_posix(): path.read_bytes()
        for path in sorted((firmware / "boardmaps").rglob("*.py"))
    }


def write_index(processors: Iterable[str]) -> Path:
    """Write the index anew, with the sources and the packages of these processors; return its folder."""
    folder = OUT / "index"
    shutil.rmtree(folder, ignore_errors=True)
    for form in ("py", "6"):  # 6: every MicroPython since 1.19
        _add(folder, "boardmaps", form, sources())
    for processor in processors:
        files = payload_of(processor).files
        _add(folder, f"boardmaps-{processor}", "6", {f"boardmaps/{name}": content for name, content in files.items()})
    return folder


def _add(folder: Path, name: str, form: str, files: Mapping[str, bytes]) -> None:
    hashes = []
    for path, content in sorted(files.items()):
        digest = sha256(content).hexdigest()[:_HASH]
        file = folder / "file" / digest[:2] / digest
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        hashes.append([path, digest])
    package = folder / "package" / form / name
    package.mkdir(parents=True)
    text = json.dumps({"v": 1, "version": VERSION, "hashes": hashes, "deps": []}, indent=4) + "\n"
    for version in (VERSION, "latest"):
        (package / f"{version}.json").write_text(text)


if __name__ == "__main__":
    for made in map(write_package, PROCESSORS):
        size = sum(path.stat().st_size for path in made.parent.rglob("*.mpy"))
        print(f"{made.relative_to(PROJECT)}: {size:,} bytes")
    print(f"{write_index(PROCESSORS).relative_to(PROJECT)}: mpremote mip install --index URL boardmaps-PROCESSOR")

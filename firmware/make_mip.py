"""Write a package of each processor that there are native modules for, into build/mip/PROCESSOR: `make mip`.

A package has what deploy sends to stock firmware: the modules as .mpy and the kernels in C. `mpremote mip install` takes one
from its folder, and from any server that the folder is put on. A Thumb processor takes that of every lower one.
"""

import json
import shutil
from pathlib import Path

from boardmaps.abi import VERSION
from boardmaps_host.deploy.files import ARCHITECTURES, Payload, Target, payload_for
from boardmaps_host.deploy.native import IN_MODULES, native_modules
from boardmaps_sim.chips.cache import PROJECT
from boardmaps_sim.chips.native import PROCESSORS

OUT = PROJECT / "build" / "mip"


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


if __name__ == "__main__":
    for made in map(write_package, PROCESSORS):
        size = sum(path.stat().st_size for path in made.parent.rglob("*.mpy"))
        print(f"{made.relative_to(PROJECT)}: {size:,} bytes")

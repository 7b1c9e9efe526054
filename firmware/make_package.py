"""Write package.json, what `mip install` reads, from the modules that are there: `make package`; a test compares the two."""

import json
from pathlib import Path

HERE = Path(__file__).parent


def package() -> str:
    """Return the text of package.json."""
    version = next(
        line.split('"')[1]
        for line in (HERE / "boardmaps" / "flags.py").read_text().splitlines()
        if line.startswith("VERSION = ")
    )
    modules = sorted(path.relative_to(HERE).as_posix() for path in (HERE / "boardmaps").rglob("*.py"))
    urls = ",\n".join(f"        {json.dumps([name, name])}" for name in modules)
    return f'{{\n    "version": "{version}",\n    "deps": [],\n    "urls": [\n{urls}\n    ]\n}}\n'


if __name__ == "__main__":
    (HERE / "package.json").write_text(package())

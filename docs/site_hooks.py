"""The site's pages that are made, not written, and its links: mkdocs calls the functions that are named on_…

The README is the site's first page, and SPEC.md, CONTRIBUTING.md and CHANGELOG.md are pages too, from where they lie. The command's
page comes from the command, that of errors from the source. A link to a page leads to it; one to another file of the tree leads to
the project's address, tool.boardmaps.address in pyproject.toml, and is no link while there is none.
"""

import posixpath
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT)]

from docs import command_page, error_page  # noqa: E402 - mkdocs does not have the checkout on its path
from docs.links import relink  # noqa: E402

# Pages whose source lies elsewhere in the tree: the page → its source
ELSEWHERE = {
    "index.md": "README.md",
    "SPEC.md": "firmware/SPEC.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "CHANGELOG.md": "CHANGELOG.md",
}
NEW_PAGES = "Use"  # where a page comes that mkdocs.yml does not name
MADE = {"command.md": command_page.text, "troubleshooting.md": error_page.text}


def address() -> str:
    """Return the project's address, "" while it has none."""
    return str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["boardmaps"]["address"])


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Give the site the project's address."""
    config.repo_url = address() or None
    config.edit_uri = ""
    named = set(_pages(config.nav))
    written = sorted(path.name for path in Path(config.docs_dir).glob("*.md"))
    (group,) = [part[NEW_PAGES] for part in config.nav or () if NEW_PAGES in part]
    group += [page for page in written if page not in named]
    return config


def _pages(nav: Any) -> Iterator[str]:
    """Give the files that a part of mkdocs.yml's nav names."""
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _pages(part)


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages that are made."""
    for page, source in ELSEWHERE.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text("utf-8")))
    for page, make in MADE.items():
        files.append(File.generated(config, page, content=make()))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Lead each link where its goal is shown."""
    source = ELSEWHERE.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    pages = {f"docs/{file.src_uri}": file.src_uri for file in files}
    pages |= {where: name for name, where in ELSEWHERE.items()}

    def target(goal: str) -> str | None:
        path, _, anchor = goal.partition("#")
        wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if wanted in pages:
            return f"{pages[wanted]}{'#' if anchor else ''}{anchor}"
        if not (ROOT / wanted).exists():
            return goal  # mkdocs says that there is no such file
        return f"{address()}/blob/main/{wanted}" if address() else None

    return relink(markdown, target)

"""The page of errors: every error's text, found in the source, under its class, with what to do from errors.toml.

A text is found where an error is made: a call of an error's class, or of one of click's, with a text as its first argument.
What differs from case to case is shown as …. `missing()` says what errors.toml lacks, and has too much; the tests and the
site's build ask it.
"""

import ast
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SOURCES = ("firmware/boardmaps", "host_tools/boardmaps_host", "sim/boardmaps_sim")
ADVICE = ROOT / "docs" / "errors.toml"
# Classes of others whose errors a user meets with our text
_FOREIGN = {"ValueError", "TypeError", "ClickException", "UsageError"}
_LARGEST_GAP = 3  # letters that a text must have beside what differs, or it says nothing by itself
# A text says what to do when it has a second sentence, or a part behind a colon or a semicolon that is an order
_ORDERS = (
    "Add|Build|Call|Choose|Close|Connect|End|Flash|Freeze|Give|Install|Instead|Leave|Log|Look|Make|Name|Own|Pass|Press|Put|"
    "Remove|Run|Say|See|Set|Start|Take|To get|Try|Use|Write"
)
_TELLS = re.compile(
    rf"(?:[.:;?] |\n|, ?or )(?:then )?(?:{_ORDERS})\b|\b(?:make|pip install|apt-get|boardmaps) [\w'-]+", re.IGNORECASE
)

_HEAD = """# Troubleshooting

Every error has one sentence: what, why, and what to do. Here they all are by their class, as they stand in the source, with …
for what differs, and more about what to do where the sentence has no room for it. The tests fail when an error is missing
here, or one is here that is gone.

Search this page for a few words of the message. First, for anything about a port: `boardmaps hub` says which programs have
it, and `boardmaps console` shows what the firmware prints.
"""


@dataclass
class Found:
    """An error's class: what its docstring says, and its texts with the files that they are in."""

    doc: str = ""
    texts: dict[str, str] = field(default_factory=dict)


def text() -> str:
    """Return the page. Raises ValueError when errors.toml and the source do not fit."""
    if wrong := missing():
        raise ValueError("\n".join(wrong))
    lines, group = [_HEAD], ""
    for name, advice in advices().items():
        if advice["group"] != group:
            group = advice["group"]
            lines.append(f"\n## {group}\n")
        error = found()[name]
        lines.append(
            f"\n### {name}\n\n{error.doc}\n\n**What to do:** {advice['do']}\n\n"
            if error.doc
            else f"\n### {name}\n\n{advice['do']}\n\n"
        )
        for part, do in advice.get("texts", {}).items():
            lines.append(f"- *{part}* {do}\n")
        if error.texts:
            lines.append(f'\n??? note "{len(error.texts)} texts"\n\n')
            lines += [f"    - `{one.replace('`', chr(39))}`\n" for one in sorted(error.texts)]
    return "".join(lines)


@cache
def advices() -> dict[str, dict[str, Any]]:
    """Return errors.toml: what to do, by the error's class."""
    return tomllib.loads(ADVICE.read_text("utf-8"))


def missing() -> list[str]:
    """Return what errors.toml lacks, and what it has that is in no source, a sentence each."""
    wrong = [
        f"errors.toml has no [{name}], and {sorted(set(e.texts.values()))} raise it"
        for name, e in found().items()
        if name not in advices()
    ]
    for name, advice in advices().items():
        error = found().get(name)
        if error is None:
            wrong.append(f"errors.toml has [{name}], and no source raises it")
            continue
        parts = advice.get("texts", {})
        wrong += [
            f"[{name}.texts] has {part!r}, which is in no text of it"
            for part in parts
            if not any(part in one for one in error.texts)
        ]
        if advice.get("each"):
            wrong += [
                f"[{name}.texts] has nothing of {one!r} ({where}), and it does not say what to do"
                for one, where in error.texts.items()
                if not _TELLS.search(one) and not any(part in one for part in parts)
            ]
    return wrong


@cache
def found() -> dict[str, Found]:
    """Return the classes of errors that are raised with a text, or are public, in the sources."""
    trees = {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
        for folder in SOURCES
        for path in sorted((ROOT / folder).rglob("*.py"))
    }
    classes = _classes(trees.values())
    errors: dict[str, Found] = {}
    for where, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = getattr(node.func, "id", None) or getattr(node.func, "attr", "")
                if name in classes or name in _FOREIGN:
                    for one in _texts(node.args[0]):
                        errors.setdefault(name, Found(classes.get(name, ""))).texts[one] = where
    for name, doc in classes.items():
        errors.setdefault(name, Found(doc))
    return errors


def _classes(trees: Any) -> dict[str, str]:
    """Return the first paragraphs of the docstrings of our public classes of errors."""
    bases = {
        node.name: ({getattr(base, "id", getattr(base, "attr", "")) for base in node.bases} - {node.name}, node)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }

    def is_error(name: str) -> bool:
        return name in ("Exception", "RuntimeError", "ClickException", "UsageError") or (
            name in bases and any(is_error(base) for base in bases[name][0])
        )

    return {
        name: " ".join((ast.get_docstring(node) or "").split("\n\n")[0].split())
        for name, (_, node) in bases.items()
        if is_error(name) and not name.startswith("_")
    }


def _texts(node: ast.expr) -> Iterator[str]:
    """Give the texts that an argument can be, with … for what differs."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
        return
    one = re.sub(r"…(?:[^\w]{0,2}…)+", "…", _template(node)).strip()
    if len(re.findall(r"[a-z]", one)) > _LARGEST_GAP:
        yield one


def _template(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else "…"
    if isinstance(node, ast.JoinedStr):
        return "".join(_template(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        return re.sub(r"%[-+0-9.,]*[a-z]", "…", _template(node.left)).replace("%%", "%")
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _template(node.left) + _template(node.right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
        return re.sub(r"\{[^{}]*\}", "…", _template(node.func.value))
    return "…"

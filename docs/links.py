"""The links of a Markdown text, changed for the place where it is shown: the site, or a package's page."""

import re
from collections.abc import Callable

_LINK = re.compile(r"(?P<image>!?)\[(?P<words>[^\[\]]*(?:`[^`]*`[^\[\]]*)*)\]\((?P<goal>[^()\s]+)\)")
_ELSEWHERE = re.compile(r"[a-z]+:|#")


def relink(text: str, target: Callable[[str], str | None]) -> str:
    """Return the text with `target(goal)` in the place of each relative link's goal.

    Where that is None a link becomes its words, and an image goes. What is in code stays as it is.
    """

    def changed(found: re.Match[str]) -> str:
        if _ELSEWHERE.match(found["goal"]):
            return found[0]
        goal = target(found["goal"])
        if goal is not None:
            return f"{found['image']}[{found['words']}]({goal})"
        return "" if found["image"] else found["words"]

    # Code between the words of a link is part of the link: only blocks, and code outside of links, are left out.
    parts = re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE)
    return "".join(part if number % 2 else _LINK.sub(changed, part) for number, part in enumerate(parts))


def goals(text: str) -> list[str]:
    """Return the goals of the text's relative links and images, in order."""
    found: list[str] = []

    def note(goal: str) -> str:
        found.append(goal)
        return goal

    relink(text, note)
    return found

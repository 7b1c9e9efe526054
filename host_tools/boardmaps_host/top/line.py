"""A line in which something is typed."""

from textual.widgets import Input

_UP_AND_DOWN = ("scroll_up", "scroll_down", "page_up", "page_down")


class Line(Input):
    """Textual's line. The last line of the screen shows no key that is typed here, and all others that do something."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys that go up and down to whoever has the line: it has nothing above or below."""
        return action not in _UP_AND_DOWN

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether this is typed here. Textual knows no character by the name `slash`."""
        return key == "slash" or super().check_consume_key(key, character)

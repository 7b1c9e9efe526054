"""Keys that come in one piece, faster than the view takes them, as over a slow line, and the line in which something is typed.

Textual gives a key to the widget that has the focus, and does what it is bound to only when it has come back to the application
through the queues of all that are between. So a Backspace would be done after digits that were typed behind it, and a key behind
Enter where Enter was pressed. Here what a key is bound to is done before the next key is looked at.
"""

from typing import Any

from textual import events
from textual.screen import Screen
from textual.widgets import Input

_UP_AND_DOWN = ("scroll_up", "scroll_down", "page_up", "page_down")


async def done(screen: Screen[Any], key: str) -> bool:
    """Do what a key is bound to now; return whether that was something."""
    bound = screen.active_bindings.get(key)
    return bound is not None and await screen.app.run_action(bound.binding.action, bound.node)


class Line(Input):
    """Textual's line. The last line of the screen shows no key that is typed here, and all others that do something."""

    async def on_key(self, event: events.Key) -> None:
        """Take keys in their order."""
        if not event.is_printable and await done(self.screen, event.key):
            event.stop()
            event.prevent_default()

    def check_action(self, action: str, _: tuple[object, ...]) -> bool | None:
        """Leave the keys that go up and down to whoever has the line: it has nothing above or below."""
        return action not in _UP_AND_DOWN

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Whether this is typed here. Textual knows no character by the name `slash`."""
        return key == "slash" or super().check_consume_key(key, character)

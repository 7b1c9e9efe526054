"""An MQTT broker, and the topics that boards have there."""

import re
from dataclasses import dataclass

_NOT_IN_A_TOPIC = re.compile(r"[/+#%\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Broker:
    """Where the broker is, and how boards are called there. `discovery`: Home Assistant's topic for it, "" for none."""

    host: str
    port: int = 1883
    user: str | None = None
    password: str | None = None
    tls: bool = False
    prefix: str = "boardmaps"
    discovery: str = "homeassistant"

    def topic(self, *parts: str) -> str:
        """Return a topic of ours; + stays, and what else means something in a topic is written as %2F and the like."""
        return "/".join([self.prefix, *(part if part == "+" else _escaped(part) for part in parts)])


def _escaped(text: str) -> str:
    return _NOT_IN_A_TOPIC.sub(lambda found: f"%{ord(found[0]):02X}", text)

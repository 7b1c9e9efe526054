"""What a shell completes in the words of `boardmaps map`: names of maps, keys and fields, as the board has them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem

_MOST = 200  # keys that are offered


def complete(context: "click.Context", parameter: "click.Parameter", incomplete: str) -> "list[CompletionItem]":
    """Return how the word may go on. A board that cannot be asked, or not at once, has nothing to say."""
    # saves start-up time: needed by completion alone
    from click.shell_completion import CompletionItem

    from boardmaps_host import connect

    port = context.params.get("port")
    words = [word for word in context.params.get(parameter.name or "") or () if word not in ("name",)]
    if not port:
        return []
    try:
        with connect(port, timeout=1) as board:
            if not words:
                found = [info.name for info in board.maps() if info.name]
            else:
                the_map = board.map(words[0])
                typed = board.maps[words[0]] if the_map.definition.schema else None
                needs_key = the_map.definition.key_size > 0 and hasattr(the_map, "update_part")
                if needs_key and len(words) == 1:
                    found = _keys(the_map, typed)
                elif typed is not None and context.info_name in ("update", "push", "enqueue"):
                    given = {word.partition("=")[0] for word in words}
                    found = [
                        f"{field.name}="
                        for field in typed.schema.fields
                        if field.name not in given and not field.locked
                    ]
                    name, equals, _ = incomplete.partition("=")
                    field = typed.schema.find(name) if equals else None
                    if field is not None and field.names:
                        found = [f"{name}={value}" for value in field.names.values()]
                else:
                    found = []
    except Exception:
        return []
    return [CompletionItem(word) for word in found if word.startswith(incomplete)]


def _keys(the_map: object, typed: object) -> list[str]:
    # saves start-up time: needed by completion alone
    from itertools import islice

    from .typed import Names

    names = Names(the_map)  # type: ignore[arg-type] # a RemoteMap
    return [",".join(names.key_cells(key)) for key in islice(the_map.keys(), _MOST)] if names.key or typed else []  # type: ignore[attr-defined]

"""Boards scraped by Debian's Prometheus, the dashboard that is made for them, and what a scrape says."""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from boardmaps_host import connect
from boardmaps_sim.unix import UnixBoard
from tests.cli.conftest import Command
from tests.export.conftest import Running
from tests.export.engines import engine, free_port, program
from tests.waits import eventually

Start = Callable[..., Running]


def url_of(export: Running) -> str:
    """Return where an export serves."""
    assert export.says("/metrics")
    return str(json.loads(export.out[0])["url"])


def scrape(url: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the samples that are at a URL, by name and labels."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        text = answer.read().decode()
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return found


def scrape_of(url: str, board: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the samples of a scrape in which a board has answered in time, which a busy machine may miss."""
    found: list[dict[str, dict[tuple[tuple[str, str], ...], float]]] = []

    def up() -> bool:
        found.append(scrape(url))
        return found[-1]["boardmaps_up"][(("board", board),)] == 1

    assert eventually(up)
    return found[-1]


def labels(board: str, map_: str, key: str, field: str) -> tuple[tuple[str, str], ...]:
    """Return the labels of a value."""
    return (("board", board), ("field", field), ("key", key), ("map", map_))


def test_a_scrape_of_two_boards_one_of_which_is_not_there(firmware: UnixBoard, start: Start, tmp_path: Path) -> None:
    words = ("-P", f"a={firmware.port}", "-P", f"b={tmp_path}/away", "--listen", "127.0.0.1:0", "--json")
    export = start("export", "prometheus", *words)
    url = url_of(export)
    first = scrape_of(url, "a")
    assert first["boardmaps_up"] == {(("board", "a"),): 1, (("board", "b"),): 0}
    assert export.says("b is down: ")
    value, count = first["boardmaps_value"], first["boardmaps_count_total"]
    temp, runs = labels("a", "rooms", "kitchen", "temp"), labels("a", "rooms", "kitchen", "runs")
    assert value[labels("a", "rooms", "kitchen", "mode")] == 0
    assert value[labels("a", "rooms", "kitchen", "gains[1]")] == 0
    assert value[labels("a", "temps", "", "t")] == 20.02
    assert count[labels("a", "hits", "0", "cpu0.n")] == 0
    assert (temp in value, temp in count, runs in value, runs in count) == (True, False, False, True)
    assert not any(dict(one)["field"] == "note" for one in value), "a text is no number"
    assert first["boardmaps_heap_free_bytes"][(("board", "a"),)] > 1000
    assert first["boardmaps_map_entries_max"][(("board", "a"), ("map", "waiting"))] == 2
    with connect(firmware.port, share=True) as board:
        board.maps.rooms.change("kitchen", {"temp": 30, "mode": "cool"})
    again = scrape_of(url, "a")
    assert again["boardmaps_value"][temp] == 30
    assert again["boardmaps_value"][labels("a", "rooms", "kitchen", "mode")] == 2
    assert again["boardmaps_value"][labels("a", "temps", "", "t")] == 20.02, "the newest sample stays"
    assert export.end() == 0
    assert "Traceback" not in "".join(export.err)


def test_prometheus_takes_all_of_it_and_the_dashboard_asks_for_what_there_is(
    firmware: UnixBoard, start: Start, run: Command, tmp_path: Path
) -> None:
    prometheus = program("prometheus", "prometheus")
    file = tmp_path / "dashboard.json"
    done = run("export", "prometheus", "-P", f"kitchen={firmware.port}", "--dashboard", str(file), "--json")
    assert done.returncode == 0, done.stderr
    made = json.loads(file.read_text())
    assert json.loads(done.stdout)["panels"] == len(made["panels"])
    url = url_of(start("export", "prometheus", "-P", f"kitchen={firmware.port}", "--listen", "127.0.0.1:0", "--json"))
    (tmp_path / "prometheus.yml").write_text(
        f"global: {{scrape_interval: 1s}}\nscrape_configs: [{{job_name: boards, static_configs: "
        f"[{{targets: ['{urllib.parse.urlsplit(url).netloc}']}}]}}]\n"
    )
    port = free_port()
    words = [f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path}/data", "--log.level=error"]

    def ready() -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/-/ready", timeout=60) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:
            return False

    def asked(path: str, **query: str) -> Any:
        where = f"http://127.0.0.1:{port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(where, timeout=60) as answer:
            return json.load(answer)["data"]

    def answered(ask: str) -> bool:
        return bool(asked("query", query=ask)["result"])

    with engine([prometheus, f"--config.file={tmp_path}/prometheus.yml", *words], tmp_path, port):
        assert eventually(ready)
        rate = 'rate(boardmaps_count_total{field="runs"}[10s])'
        assert eventually(lambda: asked("query", query=rate)["result"]), "scraped twice"
        assert eventually(lambda: asked("query", query='boardmaps_up{board="kitchen"} == 1')["result"])
        assert [one["health"] for one in asked("targets")["activeTargets"]] == ["up"]
        titles = set()
        for panel in made["panels"]:
            (target,) = panel["targets"]
            ask = target["expr"].replace("$board", ".*").replace("$__rate_interval", "10s")
            assert eventually(partial(answered, ask)), panel["title"]
            titles.add(panel["title"])
        assert {"rooms: temp", "rooms: runs a second", "hits: n a second", "rooms: gains", "temps: t"} < titles
        (temp,) = [panel for panel in made["panels"] if panel["title"] == "rooms: temp"]
        assert temp["fieldConfig"]["defaults"] == {"unit": "celsius", "min": 5.0, "max": 35.0}
        (mode,) = [panel for panel in made["panels"] if panel["title"] == "rooms: mode"]
        assert mode["fieldConfig"]["defaults"]["mappings"][0]["options"]["1"]["text"] == "heat"


def test_a_place_that_is_taken(firmware: UnixBoard, start: Start, run: Command) -> None:
    url = url_of(start("export", "prometheus", "-P", "a=/nowhere", "--listen", "127.0.0.1:0", "--json"))
    place = urllib.parse.urlsplit(url).netloc
    done = run("export", "prometheus", "-P", "a=/nowhere", "--listen", place)
    assert done.returncode == 1
    assert f"{place}: it cannot be listened on: Address already in use. Give another --listen." in done.stderr
    done = run("export", "prometheus", "-P", "a=/nowhere", "--listen", "9273")
    assert done.returncode == 2
    assert "give HOST:PORT" in done.stderr

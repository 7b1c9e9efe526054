"""Charts: the points are where they belong, the limits are said, and it has the size that was asked for."""

from itertools import pairwise

import pytest

from boardmaps_host.live.chart import chart, limits, sparkline


def text(lines: list[list[tuple[str, int | None]]]) -> list[str]:
    return ["".join(part for part, _ in line) for line in lines]


def test_a_line_goes_from_corner_to_corner() -> None:
    lines = text(chart([[(0.0, 0.0), (10.0, 5.0)]], 20, 5, ("0", "10")))
    assert [line[:3] for line in lines] == ["5 │", "  │", "  │", "0 │", "   "]
    assert {len(line) for line in lines} == {20}
    filled = [[x for x, char in enumerate(line) if char > "\u2800"] for line in lines[:4]]
    assert (filled[0][-1], filled[3][0]) == (19, 3), (
        "the last point is on top to the right, the first below to the left"
    )
    assert all(a[0] >= b[0] for a, b in pairwise(filled)), "it grows"
    assert lines[4].split() == ["0", "10"]


def test_tracks_share_the_limits_and_keep_their_numbers() -> None:
    tracks = [[(0.0, 0.0), (1.0, 0.0)], [(0.0, 10.0), (1.0, 10.0)]]
    assert limits(tracks) == (0.0, 1.0, 0.0, 10.0)
    lines = chart(tracks, 20, 4)
    assert {track for line in lines[:1] for _, track in line} == {None, 1}
    assert {track for line in lines[-1:] for _, track in line} == {None, 0}


@pytest.mark.parametrize("track", [[], [(5.0, 7.0)], [(1.0, 0.0), (2.0, 0.0)], [(0.0, -1e300), (1.0, 1e300)]])
def test_what_is_odd_is_drawn_too(track: list[tuple[float, float]]) -> None:
    assert chart([track], 12, 3)


def test_a_sparkline_has_the_last_numbers() -> None:
    assert sparkline([9, 9, 0, 1, 2, 3, 4, 5, 6, 7], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([3, 3], 5) == "▁▁"
    assert sparkline([], 5) == ""

"""What is drawn of one source."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

import numpy as np
import pytest

from adaframe.inference.moment import Event, Moment
from adaframe.live.fonts import font
from adaframe.live.tile import STRIP, Tile
from adaframe.live.window_child import arranged

SIDES = {"look-160": 1.0, "look-96": 0.6, "glance": 0.3}
NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
GREEN = (0, 200, 0)
COLOURS = {"look-160": (88, 166, 255), "look-96": (57, 197, 207), "glance": (227, 179, 65), "skip": (110, 118, 129)}


def moment(action: str = "skip", label: Any = "fight", size: tuple[int, int] = (90, 160), **parts: Any) -> Moment:
    image = np.full((*size, 3), GREEN, dtype=np.uint8)
    numbers = {"confidence": 0.9, "delay_s": 0.05, "dropped": 0, "load": 0.5, "gmacs_per_s": 1.0, "saved": 0.75}
    facts = {"source": "0", "time": NOW, "stream_s": 1.0, "unsure": False, "top": [], "image": image}
    return Moment(label=label, action=action, **(numbers | facts | parts))  # type: ignore[arg-type]


def test_the_frame_keeps_its_shape() -> None:
    tile = Tile("0", SIDES)
    tile.show(moment(size=(160, 80)))  # twice as high as wide

    drawn = tile.draw(960, 540)

    assert drawn.shape == (540, 960, 3)
    assert drawn.dtype == np.uint8
    green = np.all(drawn[100] == GREEN, axis=-1)
    assert green.sum() == 270
    assert green[480 - 135 : 480 + 135].all()


def test_the_strip_ends_with_the_last_decisions() -> None:
    tile = Tile("0", SIDES)
    for action in ["look-96"] * STRIP + ["look-160", "glance", "skip"]:
        tile.show(moment(action))

    drawn = tile.draw(960, 540)

    row = drawn[540 - 32 - 1]  # the strip's lowest pixels
    step = 920 / STRIP
    seen = [tuple(row[round(20 + (slot + 0.4) * step)].tolist()) for slot in range(STRIP)]
    assert seen[-4:] == [COLOURS[name] for name in ("look-96", "look-160", "glance", "skip")]
    high = drawn[540 - 32 - 18, 20:940]
    assert np.all(high == COLOURS["look-160"], axis=-1).sum() > 8  # only the full look is that high
    assert not np.all(high == COLOURS["look-96"], axis=-1).any()


def test_words_can_be_read_over_a_bright_picture() -> None:
    tile = Tile("0", SIDES)
    tile.show(moment(image=np.full((90, 160, 3), 255, dtype=np.uint8)))

    bar = tile.draw(960, 540)[540 - 120 : 540 - 90, 30:300].astype(int).sum(axis=-1)

    assert bar.max() > 700  # the label
    assert np.median(bar) < 250  # what it stands on


def test_a_label_is_lit_up_as_it_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    tile = Tile("0", SIDES)
    tile.show(moment())
    before = tile.draw(320, 180)[0, 0].tolist()
    tile.show(Event("start", "0", NOW, label="fight"))
    lit = tile.draw(320, 180)[0, 0].tolist()
    now += 2

    assert before == list(GREEN)
    assert lit == [255, 123, 84]
    assert tile.draw(320, 180)[0, 0].tolist() == before


def test_a_lost_source_is_darkened_until_it_is_back() -> None:
    tile = Tile("0", SIDES)
    tile.show(moment())
    tile.show(Event("lost", "0", NOW, why="no answer"))
    lost = tile.draw(320, 180)[5, 5]
    tile.show(moment())

    assert lost.max() < 80
    assert tile.draw(320, 180)[5, 5].tolist() == list(GREEN)


@pytest.mark.parametrize("label", ["fight " * 40, "драка", "打架", "قتال", "a\nb\x00", ["run", "jump"], []])
def test_any_label_is_drawn(label: str | list[str]) -> None:
    tile = Tile("clip \udcff.mp4", SIDES)

    tile.show(moment(label=label, action="another-look", note="5 frames a second instead of 8"))

    assert tile.draw(200, 120).shape == (120, 200, 3)


def test_characters_that_the_first_font_has_need_no_other() -> None:
    assert font("fight", 20).path == font("драка", 20).path


def test_tiles_fill_the_window() -> None:
    tiles = [Tile(str(number), SIDES) for number in range(3)]
    for tile in tiles:
        tile.show(moment())

    drawn = arranged(tiles, 321, 180)

    assert drawn.shape == (180, 321, 3)
    assert drawn[2, 2].tolist() == drawn[2, 318].tolist() == drawn[92, 2].tolist() == list(GREEN)
    assert drawn[90:, 160:].max() == 0  # there is no fourth

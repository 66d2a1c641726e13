"""Rendered cameras and what a model would say about them, for the tests of the page and for looking at it.

`python tests/live/web/live_scenes.py` serves the page with four of them until it is interrupted.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from adaframe.inference.moment import Event, Moment

CLASSES = [
    "walking",
    "fight",
    "somebody climbs over the fence at the loading bay",
    "carrying a box",
    "nobody",
]
FPS = 8
_SKIES = (
    ((150, 185, 215), (226, 214, 196)),
    ((38, 52, 84), (214, 126, 88)),
    ((96, 132, 120), (206, 214, 180)),
    ((24, 28, 44), (70, 84, 122)),
)


def picture(scene: int, at_s: float, width: int = 1280, height: int = 720) -> NDArray[np.uint8]:
    """A yard with figures that walk about, RGB, uint8, (height, width, 3)."""
    canvas = _yard(scene, width, height).copy()
    draw = ImageDraw.Draw(canvas)
    ground = height * 0.62
    for figure in range(2 + scene % 2):
        pace = (0.05 + 0.017 * figure) * (1 if figure % 2 else -1)
        x = ((0.2 + 0.31 * figure + 0.13 * scene + pace * at_s) % 1.2 - 0.1) * width
        near = 0.55 + 0.22 * figure
        tall = height * 0.34 * near
        foot = ground + height * 0.3 * (near - 0.4)
        step = math.sin(at_s * 5 + figure) * tall * 0.12
        coat = ((196, 78, 66), (60, 96, 150), (222, 178, 70), (88, 128, 96))[(figure + scene) % 4]
        dark = tuple(round(c * 0.45) for c in coat)
        draw.ellipse((x - tall * 0.2, foot - tall * 0.03, x + tall * 0.2, foot + tall * 0.03), fill=(40, 44, 50))
        for side in (-1, 1):
            draw.line((x, foot - tall * 0.45, x + side * step, foot), fill=dark, width=round(tall * 0.09))
        draw.rounded_rectangle(
            (x - tall * 0.13, foot - tall * 0.82, x + tall * 0.13, foot - tall * 0.38), round(tall * 0.1), fill=coat
        )
        draw.ellipse((x - tall * 0.085, foot - tall, x + tall * 0.085, foot - tall * 0.83), fill=(226, 188, 158))
    return np.asarray(canvas)


@lru_cache
def _yard(scene: int, width: int, height: int) -> Image.Image:
    high, low = (np.array(colour, np.float32) for colour in _SKIES[scene % 4])
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    canvas = Image.fromarray(np.broadcast_to(high + share * (low - high), (height, width, 3)).astype(np.uint8))
    draw = ImageDraw.Draw(canvas)
    random = np.random.default_rng(scene)
    ground = round(height * 0.62)
    shade = tuple(int(c * 0.42) for c in low)
    left = -20
    while left < width:
        wide, tall = int(random.integers(90, 230)), int(random.integers(120, 330))
        draw.rectangle(
            (left, ground - tall, left + wide, ground), fill=tuple(int(c * random.uniform(0.8, 1.15)) for c in shade)
        )
        for x in range(left + 18, left + wide - 20, 34):
            for y in range(ground - tall + 22, ground - 30, 46):
                lit = random.random() < 0.3
                draw.rectangle((x, y, x + 14, y + 22), fill=(244, 212, 140) if lit else tuple(c + 18 for c in shade))
        left += wide + int(random.integers(0, 40))
    draw.rectangle((0, ground, width, height), fill=tuple(int(c * 0.62) for c in low))
    for y in range(ground + 16, height, 42):
        draw.line((0, y, width, y), fill=tuple(int(c * 0.57) for c in low), width=3)
    return canvas


class Scene:
    """What is said about one rendered camera, moment by moment."""

    def __init__(self, source: str, number: int) -> None:
        self.source, self.number = source, number
        self._random = np.random.default_rng(number)
        self._label, self._until = 0, 0.0
        self._began: datetime | None = None
        self._peak = 0.0

    def at(self, at_s: float, when: datetime, *, image: bool = True) -> Iterator[Moment | Event]:
        if at_s >= self._until:
            yield from self._turn(at_s, when)
        confidence = float(
            np.clip(0.8 + 0.12 * math.sin(at_s * 0.7 + self.number) + self._random.normal(0, 0.03), 0.3, 0.99)
        )
        self._peak = max(self._peak, confidence)
        busy = self._label in (1, 2)
        action = str(
            self._random.choice(
                ["skip", "glance", "look-96", "look-160"], p=[0.2, 0.25, 0.2, 0.35] if busy else [0.6, 0.27, 0.09, 0.04]
            )
        )
        rest = [
            (label, (1 - confidence) * share)
            for label, share in zip(
                [c for c in CLASSES if c != CLASSES[self._label]], (0.5, 0.3, 0.15, 0.05), strict=True
            )
        ]
        yield Moment(
            source=self.source,
            time=when,
            stream_s=at_s,
            label=CLASSES[self._label],
            confidence=confidence,
            unsure=confidence < 0.7,
            action=action,
            delay_s=0.06 + 0.05 * busy + self._random.uniform(0, 0.01),
            dropped=round(at_s / 9),
            load=0.35 + 0.3 * busy,
            gmacs_per_s=0.9 + 1.9 * busy,
            saved=0.81 - 0.33 * busy,
            top=[(CLASSES[self._label], confidence), *rest],
            image=picture(self.number, at_s) if image else None,
        )

    def _turn(self, at_s: float, when: datetime) -> Iterator[Event]:
        if self._began is not None:
            yield Event("end", self.source, when, at_s, CLASSES[self._label], self._peak, self._began)
        self._label = (self._label + int(self._random.integers(1, 4))) % len(CLASSES)
        self._until = at_s + float(self._random.uniform(5, 16))
        self._began, self._peak = when, 0.6
        yield Event("start", self.source, when, at_s, CLASSES[self._label], self._peak)


class Feeder:
    """Shows scenes on a page, in a thread: a minute of history at once, and then as time passes."""

    def __init__(self, show, sources: list[str], *, history_s: float = 60.0) -> None:  # type: ignore[no-untyped-def]
        self._show, self._scenes = show, [Scene(source, number) for number, source in enumerate(sources)]
        self._history_s = history_s
        self._lost: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def lose(self, source: str) -> None:
        self._lost.add(source)
        self._show(Event("lost", source, datetime.now().astimezone(), why="connection timed out after 5 s"))

    def __enter__(self) -> Feeder:
        began = datetime.now().astimezone() - timedelta(seconds=self._history_s)
        self._began = began
        for frame in range(int(self._history_s * FPS)):
            for scene in self._scenes:
                for said in scene.at(frame / FPS, began + timedelta(seconds=frame / FPS), image=False):
                    self._show(said)
            time.sleep(0.001)  # what waits to be taken over is bounded
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(1 / FPS):
            now = datetime.now().astimezone()
            for scene in self._scenes:
                if scene.source not in self._lost:
                    for said in scene.at((now - self._began).total_seconds(), now):
                        self._show(said)


if __name__ == "__main__":
    from adaframe.live.web import WebPage

    names = ["0", "rtsp://gate:***@cam.example/loading-bay/main", "/dev/video2", "yard.mp4"]
    with WebPage(
        host="127.0.0.1", port=8000, token=None, classes=CLASSES, sources=names, model_name="rendered"
    ) as page:
        print(page.url)
        with Feeder(page.show, names):
            threading.Event().wait()

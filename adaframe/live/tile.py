"""What is drawn of one source: its picture, and over its lower edge the answer and a strip of the last decisions."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from adaframe.inference.moment import Event, Moment
from adaframe.live.fonts import font
from adaframe.live.lines import lost_words, one_line
from adaframe.model.answer import in_words
from adaframe.progress import clock

STRIP = 60  # decisions
_LIT_S = 1.5  # how long a label is lit up that has begun
_WHITE, _PALE, _DIM, _ALERT = "#ffffff", "#d0d7de", "#a8b1bb", "#ff7b54"
_BAR, _SKIP = (13, 17, 23, 190), "#6e7681"
# Looks from the largest on, then the glance: to be told apart on dark ground with any common colour vision.
_LOOKS, _GLANCE = ("#58a6ff", "#39c5cf", "#7ee787", "#d2f5a6"), "#e3b341"


class Tile:
    """The state of one source, and its drawing.

    Args:
        source: its name.
        sides: of each look and of the glance, its side in pixels, 0..1 of the largest; from the largest on.
    """

    def __init__(self, source: str, sides: Mapping[str, float]) -> None:
        self._source, self._sides = source, sides
        looks = [name for name in sides if name != "glance"]
        colours = {name: _LOOKS[min(rank, len(_LOOKS) - 1)] for rank, name in enumerate(looks)}
        self._colours = colours | {"glance": _GLANCE, "skip": _SKIP}
        self._strip: deque[str] = deque(maxlen=STRIP)
        self._moment: Moment | None = None
        self._lost: Event | None = None
        self._began_s = -_LIT_S  # when a label began, by time.monotonic()

    def show(self, item: Moment | Event) -> None:
        """Take in what is new."""
        if isinstance(item, Moment):
            self._moment, self._lost = item, None
            self._strip.append(item.action)
        elif item.event == "start":
            self._began_s = time.monotonic()
        elif item.event == "lost":
            self._lost = item

    def draw(self, width: int, height: int) -> NDArray[np.uint8]:
        """The tile as uint8, RGB, (height, width, 3)."""
        picture = Image.new("RGB", (width, height), (13, 17, 23))
        pen = _Pen(picture, max(height, width * 9 // 16) / 540)
        if self._moment is not None:
            self._frame(picture, self._moment)
            self._bar(pen, self._moment)
        if self._lost is not None or self._moment is None:
            self._notice(pen)
        elif self._lit:
            pen.draw.rectangle((0, 0, width - 1, height - 1), outline=_ALERT, width=pen.of(5))
        return np.asarray(picture)

    @property
    def _lit(self) -> bool:
        return time.monotonic() - self._began_s < _LIT_S

    def _frame(self, picture: Image.Image, moment: Moment) -> None:
        if moment.image is None:
            return
        rows, columns = moment.image.shape[:2]
        scale = min(picture.width / columns, picture.height / rows)
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        frame = Image.fromarray(moment.image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
        picture.paste(frame, ((picture.width - size[0]) // 2, (picture.height - size[1]) // 2))

    def _bar(self, pen: _Pen, moment: Moment) -> None:
        width, height = pen.picture.size
        top, edge = height - pen.of(124), pen.of(20)
        pen.shade((0, top, width, height))
        right = pen.text(width - edge, top + pen.of(38), f"{moment.saved:.0%} saved", 24, bold=True, align="right")
        late = f"{1000 * moment.delay_s:.0f} ms late   load {moment.load:.2f}"
        right = max(right, pen.text(width - edge, top + pen.of(62), late, 14, colour=_PALE, align="right"))
        room = width - 2 * edge - right - pen.of(24)
        alert = _ALERT if self._lit else _WHITE
        sure = f"{moment.confidence:.0%}" + ("  unsure" if moment.unsure else "")
        beside = pen.width(sure, 22) + pen.of(14)
        x = edge + pen.text(
            edge, top + pen.of(40), in_words(moment.label), 30, colour=alert, bold=True, most=room - beside
        )
        pen.text(x + pen.of(14), top + pen.of(40), sure, 22, colour=_PALE)
        pen.text(edge, top + pen.of(62), f"{self._source}   {clock(moment.stream_s)}", 14, colour=_PALE, most=room)
        self._film(pen, edge, height - pen.of(32), width - 2 * edge)
        x = self._legend(pen, edge, height - pen.of(10))
        pen.text(width - edge, height - pen.of(10), moment.note, 13, align="right", most=width - edge - x)

    def _film(self, pen: _Pen, left: int, base: int, width: int) -> None:
        """The decisions, the newest at the right: as high as the side of the look, a dash for a skip."""
        step, tallest = width / STRIP, pen.of(22)
        for index, action in enumerate(self._strip):
            x = left + (STRIP - len(self._strip) + index) * step
            tall = max(pen.of(3), round(tallest * self._sides.get(action, 0.0)))
            box = (round(x), base - tall, max(round(x), round(x + step) - max(1, pen.of(2))), base)
            pen.draw.rectangle(box, fill=self._colours.get(action, _WHITE))

    def _legend(self, pen: _Pen, x: int, y: int) -> int:
        now = self._strip[-1] if self._strip else ""
        for name in [*self._sides, "skip"]:
            pen.draw.rectangle((x, y - pen.of(9), x + pen.of(9), y), fill=self._colours[name])
            colour = _WHITE if name == now else _DIM
            x += pen.of(15) + pen.text(x + pen.of(15), y, name, 13, colour=colour, bold=name == now) + pen.of(18)
        return x

    def _notice(self, pen: _Pen) -> None:
        width, height = pen.picture.size
        pen.shade((0, 0, width, height))
        words = [self._source, "waiting for the first frame"]
        if self._lost is not None:
            words[1:] = [lost_words(self._lost), self._lost.why]
        for row, text in enumerate(words):
            y = height // 2 + pen.of(34 * row - 17 * len(words) + 24)
            colour, size = (_WHITE, 24) if row == 0 else (_PALE, 16)
            pen.text(width // 2, y, text, size, colour=colour, bold=row == 0, align="middle", most=width - pen.of(40))


class _Pen:
    """Draws on a picture, in units that grow with it."""

    def __init__(self, picture: Image.Image, unit: float) -> None:
        self.picture, self.draw, self._unit = picture, ImageDraw.Draw(picture), unit

    def of(self, units: float) -> int:
        """Pixels."""
        return round(units * self._unit)

    def shade(self, box: tuple[int, int, int, int]) -> None:
        """Darken a part, so that words on it can be read."""
        part = self.picture.crop(box)
        dark = Image.new("RGB", part.size, _BAR[:3])
        self.picture.paste(Image.blend(part, dark, _BAR[3] / 255), box[:2])

    def width(self, text: str, size: float, *, bold: bool = False) -> int:
        return round(font(text, max(11, self.of(size)), bold=bold).getlength(text))

    def text(
        self,
        x: int,
        y: int,
        text: str,
        size: float,
        *,
        colour: str = _WHITE,
        bold: bool = False,
        align: str = "left",
        most: int | None = None,
    ) -> int:
        """Write with the baseline at y, cut at the end where it is wider than `most`; returns the width in pixels."""
        text = one_line(text)
        face = font(text, max(11, self.of(size)), bold=bold)
        wide = face.getlength(text)
        if most is not None and wide > most:
            kept = len(text)
            while kept and face.getlength(text[:kept] + "…") > most:
                kept -= 1
            text = text[:kept].rstrip() + "…"
            wide = face.getlength(text)
        self.draw.text(
            (x, y), text, font=face, fill=colour, anchor={"left": "ls", "right": "rs", "middle": "ms"}[align]
        )
        return round(wide)

"""A report as a page: nothing outside is needed, nothing from the data is obeyed."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from PIL import Image

from adaframe.evaluation.report.blocks import (
    Block,
    Code,
    Command,
    Document,
    Facts,
    Heading,
    Headlines,
    Items,
    Picture,
    Shares,
    Strong,
    Table,
    Text,
)
from adaframe.evaluation.report.page import html_page

EVIL = '<script>alert("1")</script>\'&amp;'


class Reader(HTMLParser):
    """Gathers tags and their attributes, and checks that what is opened is closed."""

    VOID = ("meta", "img", "rect")

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def png(pixels: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def nothing(path: Path) -> None:
    """Draws nothing."""


NOISE = png(np.random.default_rng(0).integers(0, 256, (64, 96, 3)))
FLAT = png(np.full((64, 96, 3), 255))
BLOCKS: list[Block] = [
    Text((EVIL, Strong(EVIL), Code(EVIL)), lead=True),
    Heading(EVIL),
    Items(((EVIL,),)),
    Headlines(((EVIL, EVIL),)),
    Table((EVIL, EVIL), ((EVIL, EVIL),), frozenset({0})),
    Shares(EVIL, {EVIL: "#000000"}, ((EVIL, {EVIL: 1.0}),)),
    Picture("noise.png", nothing, EVIL, (EVIL,), photo=True),
    Picture("flat.png", nothing, EVIL),
    Facts(((EVIL, (EVIL,)),)),
    Command(EVIL),
]
PICTURES = {"noise.png": NOISE, "flat.png": FLAT}


def test_words_from_data_are_never_tags() -> None:
    page = html_page(Document(EVIL, BLOCKS), PICTURES)

    reader = Reader(page)
    assert "script" not in {tag for tag, _ in reader.tags}
    assert not reader.open
    # In every block, in the title and in the heading, as what they are.
    assert sum(word.count(EVIL) for word in reader.words) == 2 + 3 + 1 + 1 + 2 + 4 + 4 + 1 + 2 + 1
    assert {attrs["alt"] for tag, attrs in reader.tags if tag == "img"} == {EVIL}


def test_nothing_is_fetched() -> None:
    page = html_page(Document("x", BLOCKS), PICTURES)

    for tag, attrs in Reader(page).tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base")
        assert not any(name.startswith("on") for name in attrs)
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attrs.get(name) or "data:").startswith("data:")
    style = re.search(r"<style>(.*)</style>", page, re.DOTALL)
    assert style
    assert "url(" not in style[1]
    assert "@import" not in style[1]
    assert "default-src 'none'" in page


def test_pictures_are_in_the_page_as_they_take_least() -> None:
    page = html_page(Document("x", BLOCKS), PICTURES)

    sources = [attrs["src"] or "" for tag, attrs in Reader(page).tags if tag == "img"]
    kinds = [source.split(";")[0] for source in sources]
    assert kinds == ["data:image/jpeg", "data:image/png"]
    for source in sources:
        with Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))) as image:
            assert image.size == (96, 64)
    # A figure with few colours is larger as JPEG: it stays as it is.
    flat = html_page(Document("x", [Picture("flat.png", nothing, "", photo=True)]), PICTURES)
    assert base64.b64encode(FLAT).decode() in flat


def test_bars_are_as_wide_as_the_shares() -> None:
    shares = Shares("method", {"look": "#111111", "skip": "#222222"}, (("x", {"skip": 0.75, "look": 0.25}),))

    tags = Reader(html_page(Document("x", [shares]), {})).tags

    bars = [attrs for tag, attrs in tags if tag == "rect" and attrs["height"] == "10"]
    assert [(bar["x"], bar["width"], bar["fill"]) for bar in bars] == [
        ("0.00", "25.00", "#111111"),
        ("25.00", "75.00", "#222222"),
    ]
    assert [attrs["aria-label"] for tag, attrs in tags if "aria-label" in attrs] == ["look 25 %, skip 75 %"]


def test_the_page_has_both_themes_and_a_style_for_paper() -> None:
    page = html_page(Document("x", []), {})

    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert 'name="viewport" content="width=device-width' in page

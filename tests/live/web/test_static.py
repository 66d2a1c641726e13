"""The page in a browser: what a visitor sees."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

pytest.importorskip("websockets", reason="the extra web is not installed")

from live_chromium import Chromium
from live_scenes import CLASSES, Feeder

from adaframe.inference.moment import Event
from adaframe.video.live_frame import LiveFrame, Outage

pytestmark = pytest.mark.slow

# Whether anything is drawn on a canvas.
DRAWN = """(() => {{
  const canvas = document.querySelector("{}");
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some((value, place) => place % 4 === 3 && value > 0);
}})()"""
STATE = "document.querySelector('.tile')?.dataset.state"


@pytest.fixture(scope="module")
def running() -> Iterator[Chromium]:
    with Chromium() as browser:
        yield browser


@pytest.fixture
def browser(running: Chromium) -> Iterator[Chromium]:
    running.complaints.clear()
    running.look(width=1440, height=900)
    yield running
    running.open("about:blank")


def shown(browser: Chromium, selector: str) -> str:
    return str(browser.ask(f"document.querySelector('{selector}').innerText"))


def test_label_picture_strips_numbers_and_events_appear(browser: Chromium, open_page: Any) -> None:
    page = open_page(classes=CLASSES, model_name="mine")

    with Feeder(page.show, ["0"], history_s=30):
        browser.open(page.url)
        browser.wait_for(f"{STATE} === 'live'")
        for canvas in (".picture canvas", ".timeline", ".strip"):
            browser.wait_for(DRAWN.format(canvas))
        browser.wait_for("document.querySelectorAll('.looked .legend li').length === 4")

    assert shown(browser, ".label") in CLASSES
    assert browser.ask("document.querySelector('.label').ariaLive") == "polite"
    assert shown(browser, ".confidence").split()[0].isdigit()
    assert shown(browser, ".saved b").endswith("%")
    assert shown(browser, ".delay b").endswith("ms")
    assert "Last minute: " in browser.ask("document.querySelector('.timeline').ariaLabel")
    assert "look-160" in browser.ask("document.querySelector('.strip').ariaLabel")
    assert "going on" in shown(browser, "#events")
    assert shown(browser, "#model") == "mine"
    assert browser.complaints == []


def test_a_server_that_goes_away_is_noticed_and_found_again(browser: Chromium, open_page: Any, moment: Any) -> None:
    from adaframe.live.web import WebPage

    usual: dict[str, Any] = {"token": None, "classes": ["run"], "sources": ["0"]}
    with WebPage(host="127.0.0.1", port=0, **usual) as first:
        first.show(moment(time=datetime.now().astimezone()))
        browser.open(first.url)
        browser.wait_for(f"{STATE} === 'live'")
        assert browser.ask("document.getElementById('notice').hidden")
        port = int(first.url.rstrip("/").rpartition(":")[2])

    browser.wait_for("!document.getElementById('notice').hidden")
    assert "has not answered since" in shown(browser, "#notice")
    assert shown(browser, ".state") == "Not live"
    assert "This picture is from" in shown(browser, ".veil")

    again = open_page(port=port)
    again.show(moment(time=datetime.now().astimezone()))
    browser.wait_for(f"document.getElementById('notice').hidden && {STATE} === 'live'")


def test_an_old_picture_is_never_shown_as_live(browser: Chromium, open_page: Any, moment: Any) -> None:
    page = open_page()
    page.show(moment(time=datetime.now().astimezone()))
    browser.open(page.url)
    browser.wait_for(f"{STATE} === 'live'")

    browser.wait_for(f"{STATE} === 'lost'")  # nothing new comes
    assert "No new picture" in shown(browser, ".veil")

    page.show(moment(time=datetime.now().astimezone()))
    browser.wait_for(f"{STATE} === 'live'")
    page.show(Event("lost", "0", datetime.now().astimezone(), why="unplugged"))
    browser.wait_for("document.querySelector('.state').innerText === 'Lost'")
    assert "Camera 0 is lost" in shown(browser, ".veil")
    assert "unplugged" in shown(browser, ".veil")
    assert "tried again" in shown(browser, ".veil")
    assert "grayscale" in browser.ask("getComputedStyle(document.querySelector('.picture canvas')).filter")

    page.show(Event("back", "0", datetime.now().astimezone()))
    page.show(moment(time=datetime.now().astimezone() + timedelta(seconds=1)))
    browser.wait_for(f"{STATE} === 'live'")


def test_a_file_that_cannot_be_used_is_not_said_to_be_tried_again(browser: Chromium, open_page: Any) -> None:
    page = open_page(sources=["a.mp4"])
    page.show(Event("lost", "a.mp4", datetime.now().astimezone(), why="no video", retried=False))

    browser.open(page.url)
    browser.wait_for("document.querySelectorAll('#events li').length === 1")
    browser.wait_for("document.querySelector('.state').innerText === 'Unusable'")

    assert "a.mp4 cannot be used" in shown(browser, ".veil")
    assert "again" not in shown(browser, ".veil")
    assert "a.mp4 cannot be used" in shown(browser, "#events")


def test_names_from_outside_are_text_never_markup(browser: Chromium, open_page: Any, moment: Any) -> None:
    bad = "<img src=x onerror=document.title='owned'><b>bold</b>"
    page = open_page(classes=[bad], sources=[bad, "0"], model_name=bad)
    now = datetime.now().astimezone()
    page.show(moment(source=bad, label=bad, top=[(bad, 0.9)], action=bad, time=now))
    page.show(Event("start", bad, now, 0.0, bad, 0.9))
    page.show(Event("lost", "0", now, why=bad))

    browser.open(page.url)
    browser.wait_for("document.querySelectorAll('#events li').length === 2")
    browser.wait_for("document.querySelector('.looked .legend li')")

    assert shown(browser, ".label") == bad
    assert browser.ask("document.querySelectorAll('main b:not(dd b, .others b), main img').length") == 0
    assert browser.ask("document.title") != "owned"


def test_one_of_several_cameras_is_enlarged_by_keyboard(browser: Chromium, open_page: Any, moment: Any) -> None:
    page = open_page(sources=["0", "1", "2", "3"])
    browser.open(page.url)
    browser.wait_for("document.querySelectorAll('.tile').length === 4")
    seen = "[...document.querySelectorAll('.tile')].filter((tile) => tile.offsetParent).length"

    browser.ask("document.querySelectorAll('.enlarge')[2].focus()")
    browser.press("Enter")
    assert browser.ask(seen) == 1
    assert browser.ask("document.activeElement.ariaPressed") == "true"

    browser.press("Escape")
    assert browser.ask(seen) == 4


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_is_wider_than_the_screen(browser: Chromium, open_page: Any, moment: Any, width: int) -> None:
    long = "somebody " * 12 + "w" * 80
    page = open_page(sources=["rtsp://cam.example/" + "a" * 120, "1"], classes=[long])
    now = datetime.now().astimezone()
    page.show(moment(source="1", label=long, top=[(long, 0.9)], time=now))
    page.show(Event("start", "1", now, 0.0, long, 0.9))
    page.show(Event("lost", "rtsp://cam.example/" + "a" * 120, now, why="because " * 30))

    browser.look(width=width, height=800, phone=width < 700)
    browser.open(page.url)
    browser.wait_for("document.querySelectorAll('#events li').length === 2")

    assert browser.ask("document.documentElement.scrollWidth") <= width


def test_a_visit_with_the_token_leaves_it_neither_in_the_address_nor_to_scripts(
    browser: Chromium, open_page: Any
) -> None:
    page = open_page(token="secret")

    browser.open(page.url)
    browser.wait_for("document.getElementById('connection').className === 'connected'")

    assert "secret" not in browser.ask("location.href + document.cookie")


def test_the_browsers_own_camera_is_sent_and_stops(browser: Chromium, open_page: Any) -> None:
    page = open_page(sources=["browser"])
    browser.open(page.url)
    browser.wait_for("document.querySelector('.webcam button')")

    browser.ask("document.querySelector('.webcam button').click()")
    shots = [page.browser_frames.take(30) for _ in range(3)]

    assert all(isinstance(shot, LiveFrame) for shot in shots)
    assert shots[0].image.shape[2] == 3
    assert shots[0].image.std() > 10  # a picture, not one colour
    browser.wait_for("document.querySelector('.webcam button').innerText === 'Stop the camera'")
    browser.ask("document.querySelector('.webcam button').click()")
    deadline = time.monotonic() + 20
    while not isinstance(page.browser_frames.take(1), Outage):
        assert time.monotonic() < deadline


def test_where_browsers_lend_no_camera_the_page_says_why(browser: Chromium, open_page: Any) -> None:
    page = open_page(sources=["browser"], host="0.0.0.0", token="secret")
    if "127.0.0.1" in page.url:
        pytest.skip("this machine has no other address")

    browser.open(page.url)  # no localhost, no HTTPS
    browser.wait_for("document.querySelector('.webcam p')?.innerText.includes('HTTPS')")

    assert browser.ask("document.querySelector('.webcam button').hidden")

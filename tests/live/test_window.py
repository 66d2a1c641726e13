"""The window: where it can be opened, and how a user ends it."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from adaframe.errors import AdaframeError
from adaframe.live.window import Window

pytest.importorskip("cv2", exc_type=ImportError)


def test_without_a_display_the_alternatives_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)

    with pytest.raises(AdaframeError) as caught:
        Window(["0"], {"look-96": 1.0})

    assert str(caught.value).startswith("--show: no window can be opened here: ")
    assert str(caught.value).endswith("; try: --web 8080 (in a browser), or --json")
    assert "\n" not in str(caught.value)


@pytest.fixture
def display(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A screen that nobody sees."""
    if not (shutil.which("Xvfb") and shutil.which("xdotool")):
        pytest.skip("needs Xvfb and xdotool")
    with subprocess.Popen(["Xvfb", "-displayfd", "1"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        monkeypatch.setenv("DISPLAY", f":{server.stdout.readline().decode().strip()}")
        yield
        server.kill()


def open_until(window: Window, within_s: float) -> float:
    """Seconds until the window was closed."""
    began = time.monotonic()
    while window.refresh() and time.monotonic() - began < within_s:
        time.sleep(0.02)
    return time.monotonic() - began


@pytest.mark.slow
@pytest.mark.parametrize("key", ["q", "Escape"])
def test_a_key_closes_it(display: None, key: str) -> None:
    window = Window(["0"], {"look-96": 1.0})
    assert open_until(window, 0.5) >= 0.5

    found = subprocess.run(["xdotool", "search", "--name", "^adaframe$"], capture_output=True, text=True).stdout.split()
    subprocess.run(["xdotool", "windowfocus", "--sync", found[-1], "key", key], check=True)

    assert open_until(window, 5) < 5
    window.close()


@pytest.mark.slow
def test_a_screen_that_goes_away_closes_it(display: None) -> None:
    window = Window(["0"], {"look-96": 1.0})

    window._process.kill()

    assert open_until(window, 5) < 5
    window.close()

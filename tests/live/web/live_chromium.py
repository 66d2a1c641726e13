"""A headless browser, driven by its DevTools protocol."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


def find() -> str:
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser is installed ({', '.join(NAMES)})")
    return path


class Chromium:
    """One page of a fresh browser, with a camera that shows a test picture."""

    def __init__(self, width: int = 1440, height: int = 900) -> None:
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._size = width, height
        self._number = 0
        self.complaints: list[str] = []  # of the page, on its console

    def __enter__(self) -> Chromium:
        flags = [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
            "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
            "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--remote-debugging-port=0",
            f"--user-data-dir={self._folder.name}", f"--window-size={self._size[0]},{self._size[1]}", "about:blank",
        ]  # fmt: skip
        self._process = subprocess.Popen([find(), *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        file = Path(self._folder.name) / "DevToolsActivePort"
        until(lambda: file.exists() and file.read_text().count("\n") >= 1, 60)
        port = file.read_text().split()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            (target,) = [one for one in json.load(answer) if one["type"] == "page"]
        self._socket = connect(target["webSocketDebuggerUrl"], max_size=None, open_timeout=30)
        self.say("Page.enable")
        self.say("Runtime.enable")
        self.say("Log.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(20)
        self._folder.cleanup()

    def say(self, method: str, **values: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": values}))
        while True:
            answer = json.loads(self._socket.recv(60))
            self._hear(answer)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _hear(self, news: dict[str, Any]) -> None:
        if news.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(news["params"]["exceptionDetails"]))
        elif news.get("method") == "Log.entryAdded" and news["params"]["entry"]["level"] in ("error", "warning"):
            self.complaints.append(news["params"]["entry"]["text"])

    def look(self, *, width: int, height: int, dark: bool = False, phone: bool = False) -> None:
        self.say(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.say("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, url: str) -> None:
        self.say("Page.navigate", url=url)

    def ask(self, script: str) -> Any:
        """The value of an expression on the page."""
        result = self.say("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key: str) -> None:
        text = {"text": "\r"} if key == "Enter" else {}
        self.say(
            "Input.dispatchKeyEvent",
            type="keyDown",
            key=key,
            code=key,
            windowsVirtualKeyCode={"Enter": 13}.get(key, 27),
            **text,
        )
        self.say("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def wait_for(self, script: str, timeout_s: float = 30.0) -> None:
        """Until the expression holds; fails with what the page says."""
        deadline = time.monotonic() + timeout_s
        # While a page is being loaded, what the expression asks for may not be there.
        holds = f"(() => {{ try {{ return Boolean({script}); }} catch {{ return false; }} }})()"
        while not self.ask(holds):
            assert time.monotonic() < deadline, (script, self.ask("document.body.innerText"))
            time.sleep(0.1)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        data = self.say("Page.captureScreenshot", format="png", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(data))


def until(holds: Any, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)

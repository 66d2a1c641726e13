"""The web page as one of the outputs."""

from __future__ import annotations

from collections.abc import Sequence

from adaframe.inference.moment import Event, Moment
from adaframe.live.lines import note
from adaframe.live.web import BrowserCamera, WebPage, parse_address, token_for


class Page:
    """Serves the page until it is closed, and says where.

    Args:
        address: [HOST:]PORT.
        classes, sources, model_name: as of WebPage.

    Raises:
        UsageError: no such address.
        MissingExtra: the extra `web` is not installed.
        AdaframeError: the address cannot be bound.
    """

    def __init__(self, address: str, *, classes: Sequence[str], sources: Sequence[str], model_name: str) -> None:
        host, port = parse_address(address)
        self._page = WebPage(
            host=host, port=port, token=token_for(host), classes=classes, sources=sources, model_name=model_name
        )
        self._page.__enter__()
        note(f"open {self._page.url}")

    @property
    def visitor(self) -> BrowserCamera:
        """The webcam of whoever has the page open."""
        return self._page.browser_frames

    def show(self, item: Moment | Event) -> None:
        self._page.show(item)

    def refresh(self) -> bool:
        return True

    def say(self, text: str) -> None:
        note(text)

    def close(self) -> None:
        self._page.__exit__(None, None, None)

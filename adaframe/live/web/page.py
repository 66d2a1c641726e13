"""The web page of live recognition: a server in a thread of its own."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from adaframe.errors import MissingExtra, UsageError
from adaframe.inference.moment import Event, Moment
from adaframe.live.web.address import bind, is_loopback, page_url
from adaframe.live.web.board import Board
from adaframe.live.web.browser_camera import MOST_BYTES, BrowserCamera
from adaframe.live.web.guard import Guard

_GRACE_S = 2  # for those who are connected when the server ends
_MOST_CONNECTIONS = 256


class WebPage:
    """Shows live recognition to browsers, and tells it to programs, while the block lasts.

        with WebPage(host="127.0.0.1", port=8000, token=None, classes=…, sources=["0"]) as page:
            print(page.url)
            page.show(moment)

    Args:
        host: to bind to; 127.0.0.1 for this machine alone.
        port: 0 takes a free one.
        token: what visitors must know (`token_for(host)`); None only where the host is this machine alone.
        classes: of the model; gives each its colour.
        sources: as their moments will name them; one of "browser" stands for the webcam of a visitor.
        model_name: to show.

    Raises:
        MissingExtra: the extra `web` is not installed.
        UsageError: others could reach the page without a token.
        AdaframeError: on entering: the address cannot be bound.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        token: str | None,
        classes: Sequence[str],
        sources: Sequence[str],
        model_name: str = "",
    ) -> None:
        if not token and not is_loopback(host):
            raise UsageError(f"--web {host}:{port}: a page that other machines can reach needs a token")
        try:
            import fastapi  # noqa: F401
            import uvicorn  # noqa: F401
            import websockets  # noqa: F401
        except ImportError as error:
            raise MissingExtra(f"--web needs {error.name}; try: pip install 'adaframe[web]'") from error
        self.browser_frames = BrowserCamera()
        self._host, self._port, self._token = host, port, token
        self._hello = {"model": model_name, "classes": list(classes)}
        self._board = Board(sources)
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What to open in a browser, with the token where there is one."""
        return page_url(self._host, self._port, self._token)

    def show(self, said: Moment | Event) -> None:
        """Hand over what was recognised. Returns at once, whoever watches; of pictures the newest wins."""
        self._board.show(said)

    def __enter__(self) -> WebPage:
        import uvicorn

        from adaframe.live.web.server import build_app

        listening = bind(self._host, self._port)
        self._port = listening.getsockname()[1]
        app = Guard(build_app(self._board, self.browser_frames, self._hello), token=self._token, host=self._host)
        config = uvicorn.Config(
            app,
            ws_max_size=MOST_BYTES,
            ws_max_queue=4,
            ws_per_message_deflate=False,  # JPEGs do not get smaller
            lifespan="off",
            log_config=None,
            log_level="critical",
            access_log=False,  # it would write the token down
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_graceful_shutdown=_GRACE_S,
        )
        self._server = uvicorn.Server(config)
        # A daemon: where the main thread dies of an error before it leaves the block, the process still ends.
        self._thread = threading.Thread(target=self._run, args=(listening,), name="adaframe-web", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.browser_frames.close()
        self._board.close()
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_GRACE_S + 3)

    def _run(self, listening: socket.socket) -> None:
        async def serve() -> None:
            self._board.open()
            await self._server.serve(sockets=[listening])

        asyncio.run(serve())

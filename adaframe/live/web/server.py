"""What is served at which path. Imports the web framework: import this module only where it is wanted."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse, StreamingResponse

from adaframe.live.web.board import Board, Track
from adaframe.live.web.browser_camera import BrowserCamera, RefusedFrame
from adaframe.live.web.viewers import Viewer, lines

_STATIC = Path(__file__).parent / "static"


def build_app(board: Board, camera: BrowserCamera, hello: dict[str, Any]) -> FastAPI:
    """The routes of the page.

    Args:
        board: what is shown.
        camera: takes the frames that a browser sends, where `camera.source` is among the board's sources.
        hello: what a page is told once: model and classes.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    # Read once, and looked up by name: no path that somebody sends ever reaches the file system.
    files = {f"/{path.name}": path.read_bytes() for path in sorted(_STATIC.iterdir()) if path.is_file()}
    for name, content in files.items():
        _serve_file(app, "/" if name == "/index.html" else name, name, content)

    @app.get("/status")
    async def status() -> JSONResponse:
        tracks = [_status(source, track) for source, track in board.tracks.items()]
        events = [line.row for line in board.events]
        return JSONResponse(hello | {"viewers": board.viewers, "sources": tracks, "events": events})

    @app.get("/events")
    async def events() -> StreamingResponse:
        return StreamingResponse(lines(board), media_type="text/event-stream")

    @app.get("/snapshot/{source:path}.jpg")
    async def snapshot(source: str) -> Response:
        track = board.tracks.get(source)
        if track is None or track.picture is None:
            return Response("No such source, or no picture of it yet.\n", 404, media_type="text/plain")
        jpeg = await track.picture.jpeg(board.encoders)
        return Response(jpeg, media_type="image/jpeg", headers={"X-Captured": track.picture.time})

    @app.websocket("/watch")
    async def watch(socket: WebSocket) -> None:
        await Viewer(socket, board, hello).serve()

    @app.websocket("/camera")
    async def take_camera(socket: WebSocket) -> None:
        if camera.source not in board.tracks:
            await socket.close(1008)
            return
        await socket.accept()
        if not camera.begin():
            await socket.close(1013, "another browser sends its camera")
            return
        try:
            await _take_frames(socket, camera)
        finally:
            camera.stop()

    return app


def _serve_file(app: FastAPI, path: str, name: str, content: bytes) -> None:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"

    @app.get(path)
    async def file() -> Response:
        return Response(content, media_type="text/javascript" if name.endswith(".js") else kind)


async def _take_frames(socket: WebSocket, camera: BrowserCamera) -> None:
    """Every frame is answered, so that a browser sends as fast as we take."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        try:
            camera.offer(message.get("bytes") or b"")
            await socket.send_text("taken")
        except RefusedFrame as refused:
            await socket.close(1008, str(refused))
            return
        except WebSocketDisconnect:
            return


def _status(source: str, track: Track) -> dict[str, Any]:
    return {
        "source": source,
        "state": track.state(),
        "picture_age_s": track.picture_age_s(),
        "lost": None if track.lost is None else track.lost.to_json(),
        "moment": track.moment,
    }

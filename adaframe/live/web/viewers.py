"""Those who watch: pages that take pictures as fast as they can, and programs that read lines."""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import AsyncIterator
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from adaframe.live.web.board import Board

AHEAD = 2  # messages on their way to a viewer at once: one travels while it draws the other
HEARTBEAT_S = 1.0  # a page that hears nothing for some of these knows that the server is gone
PAUSE_S = 1 / 25  # between messages: nobody sees more


class Viewer:
    """One open page.

    Every message is answered by the page, and only AHEAD of them may be unanswered: a slow one gets fewer, always the
    newest, while the others wait for nobody. What it has had already is a number a source; nothing is queued for it.

    A message is binary: four bytes, how long the JSON after them is (big-endian), the JSON, and the JPEGs that it names.
    """

    def __init__(self, socket: WebSocket, board: Board, hello: dict[str, Any]) -> None:
        self._socket, self._board, self._hello = socket, board, hello
        self._number = 0
        self._pictures: dict[str, int] = {}
        self._told: list[str] = []
        self._unanswered = 0
        self._room = asyncio.Event()
        self._room.set()
        self._looks = True

    async def serve(self) -> None:
        """Show until the page or the server goes."""
        await self._socket.accept()
        self._board.viewers += 1
        tasks = [asyncio.ensure_future(part) for part in (self._send(), self._listen())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._board.viewers -= 1
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        """Answers, {"taken": 1}, and whether the page is looked at, {"looks": true or false}."""
        while True:
            try:
                answer = json.loads(await self._socket.receive_text())
            except (WebSocketDisconnect, KeyError, ValueError):
                return  # gone, or no page of ours
            if not isinstance(answer, dict):
                return
            self._looks = bool(answer.get("looks", self._looks))
            if "taken" in answer:
                self._unanswered = max(0, self._unanswered - 1)
                self._room.set()

    async def _send(self) -> None:
        while not self._board.closed:
            await self._room.wait()
            message = await self._message()
            self._unanswered += 1
            if self._unanswered >= AHEAD:
                self._room.clear()
            await self._socket.send_bytes(message)
            await asyncio.sleep(PAUSE_S)
            await self._board.news(self._number, HEARTBEAT_S)
        await self._socket.close(1001)

    async def _message(self) -> bytes:
        board, head = self._board, dict[str, Any]()
        if list(board.tracks) != self._told:
            self._told = list(board.tracks)
            head["sources"] = self._told
        if self._number == 0:
            head["hello"] = self._hello
        head["now"] = round(time.time() * 1000)
        head["events"] = [line.row for line in board.events if line.number > self._number]
        head["tracks"] = [self._track(source) for source in self._told]
        self._number = board.number  # before anything is awaited: what comes meanwhile is for the next message
        fresh = [(source, picture) for source in self._told if (picture := self._fresh(source)) is not None]
        jpegs = [await picture.jpeg(board.encoders) for _, picture in fresh]
        head["pictures"] = [
            {"source": source, "time": picture.time, "bytes": len(jpeg)}
            for (source, picture), jpeg in zip(fresh, jpegs, strict=True)
        ]
        text = json.dumps(head).encode()
        return b"".join([struct.pack(">I", len(text)), text, *jpegs])

    def _track(self, source: str) -> dict[str, Any]:
        track = self._board.tracks[source]
        return {
            "moment": track.moment,
            "rows": track.since(self._number),
            "state": track.state(),
            "age_s": track.picture_age_s(),
            "lost": None if track.lost is None else track.lost.to_json(),
        }

    def _fresh(self, source: str) -> Any:
        picture = self._board.tracks[source].picture
        if not self._looks or picture is None or picture.number <= self._pictures.get(source, 0):
            return None
        self._pictures[source] = picture.number
        return picture


async def lines(board: Board) -> AsyncIterator[str]:
    """Server-sent events: how things are now, and every moment and event from here on, as `stream --json` writes them.

    Who reads too slowly loses the oldest ones; a comment says how many.
    """
    number = board.number
    for track in board.tracks.values():
        if track.moment is not None:
            yield _sent(track.moment)
    while not board.closed:
        fresh = board.since(number)
        if fresh and fresh[0].number > number + 1:
            yield f": {fresh[0].number - number - 1} left out\n\n"
        for line in fresh:
            number = line.number
            yield _sent(line.row)
        if not fresh:
            yield ": nothing new\n\n"  # finds out that a reader has left
        await board.news(number, 10 * HEARTBEAT_S)


def _sent(row: dict[str, Any]) -> str:
    return f"data: {json.dumps(row)}\n\n"

from __future__ import annotations

import asyncio
import json
import statistics
import struct
import threading
import time
import weakref
from typing import Any

import numpy as np
from websockets.asyncio.client import connect as connect_async
from websockets.sync.client import ClientConnection, connect

from adaframe.inference.moment import Event
from adaframe.live.web import viewers


def watch(page: Any) -> ClientConnection:
    return connect(page.url.replace("http", "ws") + "watch", max_size=None)


def parts(message: Any) -> tuple[dict[str, Any], list[bytes]]:
    (length,) = struct.unpack(">I", message[:4])
    head, rest = json.loads(message[4 : 4 + length]), message[4 + length :]
    jpegs = []
    for picture in head["pictures"]:
        jpegs.append(rest[: picture["bytes"]])
        rest = rest[picture["bytes"] :]
    assert rest == b""
    return head, jpegs


def next_with(socket: ClientConnection, key: str) -> tuple[dict[str, Any], list[bytes]]:
    while True:
        head, jpegs = parts(socket.recv(20))
        socket.send('{"taken": 1}')
        if head[key]:
            return head, jpegs


def test_a_page_gets_the_past_minute_and_then_what_is_new(open_page: Any, moment: Any) -> None:
    page = open_page(model_name="mine")
    page.show(moment())
    page.show(Event("start", "0", moment().time, 0.0, "run", 0.7))
    time.sleep(0.2)

    with watch(page) as socket:
        first, jpegs = next_with(socket, "events")
        page.show(moment(label="sit"))
        second, more = next_with(socket, "pictures")

    assert first["hello"] == {"model": "mine", "classes": ["run", "sit"]}
    assert first["sources"] == ["0"]
    assert [row[1] for row in first["tracks"][0]["rows"]] == ["run"]
    assert first["tracks"][0]["state"] == "live"
    assert "hello" not in second
    assert [row[1] for row in second["tracks"][0]["rows"]] == ["sit"]
    assert second["events"] == []
    assert all(jpeg.startswith(b"\xff\xd8") for jpeg in (*jpegs, *more))


def test_a_page_that_nobody_looks_at_gets_words_without_pictures(open_page: Any, moment: Any) -> None:
    page = open_page()

    with watch(page) as socket:
        parts(socket.recv(20))
        socket.send('{"looks": false}')
        socket.send('{"taken": 1}')
        time.sleep(0.2)
        page.show(moment())
        while not (head := parts(socket.recv(20))[0])["tracks"][0]["rows"]:
            socket.send('{"taken": 1}')

    assert head["pictures"] == []


def test_the_server_speaks_while_nothing_happens(open_page: Any) -> None:
    page = open_page()

    with watch(page) as socket:
        for _ in range(3):
            assert parts(socket.recv(10 * viewers.HEARTBEAT_S))[0]["tracks"][0]["state"] == "waiting"
            socket.send('{"taken": 1}')


def test_who_sends_nonsense_is_sent_away_alone(open_page: Any, moment: Any) -> None:
    page = open_page()

    with watch(page) as good:
        for nonsense in ("[]", "{", b"\x00", "1"):
            with watch(page) as bad:
                bad.send(nonsense)
                bad.recv(10)
        page.show(moment())
        assert next_with(good, "pictures")


def test_slow_viewers_slow_nobody(open_page: Any, moment: Any) -> None:
    # Given 40 pages that take pictures at once, 6 that never answer, and 4 that do not even read.
    page = open_page()
    address = page.url.replace("http", "ws") + "watch"
    counts = [0] * 40
    unanswered = [0] * 6
    ready = threading.Event()
    done = threading.Event()

    async def fast(number: int) -> None:
        async with connect_async(address, max_size=None) as socket:
            while not done.is_set():
                head, _ = parts(await socket.recv())
                counts[number] += len(head["pictures"])
                await socket.send('{"taken": 1}')

    async def slow(number: int) -> None:
        async with connect_async(address, max_size=None) as socket:
            while not done.is_set():
                try:
                    await asyncio.wait_for(socket.recv(), 0.2)
                    unanswered[number] += 1
                except asyncio.TimeoutError:
                    pass

    async def deaf() -> None:
        async with connect_async(address, max_size=None, max_queue=1) as socket:
            socket.transport.pause_reading()
            while not done.is_set():
                await asyncio.sleep(0.1)
            socket.transport.abort()  # it would wait for an answer that it does not read

    async def everybody() -> None:
        tasks = [fast(i) for i in range(40)] + [slow(i) for i in range(6)] + [deaf() for _ in range(4)]
        watching = asyncio.gather(*tasks)
        while page._board.viewers < 50:
            await asyncio.sleep(0.05)
        ready.set()
        await watching

    crowd = threading.Thread(target=lambda: asyncio.run(everybody()), daemon=True)
    crowd.start()
    assert ready.wait(60)

    # When 40 frames are shown.
    took, alive = [], []
    for frame in range(40):
        image = np.random.default_rng(frame).integers(0, 256, (90, 160, 3), dtype=np.uint8)
        alive.append(weakref.ref(image))
        said = moment(image=image)
        began = time.perf_counter()
        page.show(said)
        took.append(time.perf_counter() - began)
        del image, said
        time.sleep(0.08)
    held = sum(one() is not None for one in alive)
    done.set()
    page.show(moment())  # wakes those who wait for a message
    crowd.join(60)

    # Then the fast ones got many of them, the slow ones two messages, and showing took no time.
    assert min(counts) >= 10, counts
    assert max(unanswered) <= viewers.AHEAD
    assert statistics.median(took) < 1e-3, took
    assert held <= 4

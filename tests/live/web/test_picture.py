from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from adaframe.live.web import picture
from adaframe.live.web.picture import Picture, encode


@pytest.mark.parametrize(
    ("shape", "size"), [((1080, 1920), (960, 540)), ((90, 160), (160, 90)), ((1920, 1080), (540, 960))]
)
def test_pictures_are_scaled_down_and_never_up(shape: tuple[int, int], size: tuple[int, int]) -> None:
    image = np.full((*shape, 3), (200, 40, 90), np.uint8)

    decoded = Image.open(io.BytesIO(encode(image)))

    assert (decoded.format, decoded.size) == ("JPEG", size)
    assert np.abs(np.asarray(decoded, int)[10, 10] - (200, 40, 90)).max() < 6


def test_a_picture_is_encoded_once_for_all_and_only_if_somebody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = []
    monkeypatch.setattr(picture, "encode", lambda image: encoded.append(image) or b"jpeg")

    async def ask(times: int) -> list[bytes]:
        one = Picture(np.zeros((4, 4, 3), np.uint8), 1, "")
        with ThreadPoolExecutor(1) as workers:
            return await asyncio.gather(*(one.jpeg(workers) for _ in range(times)))

    assert asyncio.run(ask(0)) == []
    assert encoded == []
    assert asyncio.run(ask(9)) == [b"jpeg"] * 9
    assert len(encoded) == 1


def test_a_viewer_that_leaves_does_not_take_the_picture_from_the_others() -> None:
    async def ask() -> bytes:
        one = Picture(np.zeros((400, 400, 3), np.uint8), 1, "")
        with ThreadPoolExecutor(1) as workers:
            leaving = asyncio.ensure_future(one.jpeg(workers))
            await asyncio.sleep(0)
            leaving.cancel()
            return await one.jpeg(workers)

    assert asyncio.run(ask()).startswith(b"\xff\xd8")

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from adaframe.config import Preprocess
from adaframe.errors import UsageError
from adaframe.video.resize import resize_frames


def noise(frames: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(("size", "expected"), [((90, 160), (32, 56)), ((160, 90), (56, 32)), ((80, 80), (32, 32))])
def test_the_shorter_side_gets_the_size(size: tuple[int, int], expected: tuple[int, int]) -> None:
    small = resize_frames(noise(2, *size), Preprocess(resize=32, crop=24), crop=False)

    assert small.shape == (2, *expected, 3)


@pytest.mark.parametrize("name", ["bilinear", "bicubic", "box"])
@pytest.mark.parametrize("size", [(90, 160), (90, 161), (161, 90), (180, 320), (40, 33), (20, 20)])
def test_cropping_at_once_gives_the_pixels_of_resizing_and_then_cropping(name: str, size: tuple[int, int]) -> None:
    frames = noise(1, *size)
    preprocess = Preprocess(resize=32, crop=24, filter=name)  # type: ignore[arg-type]

    at_once = resize_frames(frames, preprocess)
    tall, wide = (32, int(32 * size[1] / size[0])) if size[0] <= size[1] else (int(32 * size[0] / size[1]), 32)
    how = Image.Resampling[name.upper()]
    whole = np.asarray(Image.fromarray(frames[0]).resize((wide, size[0]), how).resize((wide, tall), how))
    top, left = round((tall - 24) / 2), round((wide - 24) / 2)

    assert (at_once[0] == whole[top : top + 24, left : left + 24]).all()


def test_squash_keeps_the_whole_picture() -> None:
    frames = np.zeros((1, 40, 80, 3), np.uint8)
    frames[:, :, 60:] = 255

    small = resize_frames(frames, Preprocess(resize=20, crop=20, fit="squash"))

    assert small.shape == (1, 20, 20, 3)
    assert small[0, 10, 18].min() > 250
    assert small[0, 10, 12].max() < 5


def test_shrinking_is_antialiased() -> None:
    frames = np.zeros((1, 64, 64, 3), np.uint8)
    frames[:, :, ::2] = 255

    small = resize_frames(frames, Preprocess(resize=16, crop=16))

    assert np.abs(small[:, :, 2:-2].astype(int) - 127).max() < 12


def test_frames_of_the_crops_size_are_returned_as_they_are() -> None:
    frames = noise(2, 24, 24)

    assert resize_frames(frames, Preprocess(resize=32, crop=24)) is frames


def test_nothing_is_resampled_where_the_shorter_side_fits() -> None:
    frames = noise(1, 32, 50)

    assert (resize_frames(frames, Preprocess(resize=32, crop=24))[0] == frames[0, 4:28, 13:37]).all()
    assert resize_frames(frames, Preprocess(resize=32, crop=24), crop=False) is frames


def test_a_crop_larger_than_the_resize_is_refused() -> None:
    with pytest.raises(UsageError, match="larger"):
        resize_frames(noise(1, 50, 50), Preprocess(resize=24, crop=32))


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        resize_frames(np.zeros((1, 8, 8, 3), np.float32), Preprocess())  # type: ignore[arg-type]

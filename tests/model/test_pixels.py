"""From one uint8 crop to what each look gets."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import pytest
import torch
from torch import Tensor

from adaframe.config import Preprocess
from adaframe.model.pixels import at_pixels

# Mean 0 and deviation 1/255: values stay 0..255, to be read with the eye.
PLAIN = Preprocess(mean=(0.0, 0.0, 0.0), std=(1 / 255, 1 / 255, 1 / 255))


def grey(rows: list[list[int]]) -> Tensor:
    """One grey crop, (1, H, W, 3)."""
    return torch.tensor(rows, dtype=torch.uint8)[None, :, :, None].expand(1, -1, -1, 3).contiguous()


def test_the_same_size_is_only_normalised() -> None:
    crops = torch.randint(0, 256, (2, 5, 5, 3), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    preprocess = Preprocess(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 0.125))

    out = at_pixels(crops, 5, preprocess)

    expected = (crops.double() / 255 - torch.tensor([0.1, 0.2, 0.3])) / torch.tensor([0.5, 0.25, 0.125])
    torch.testing.assert_close(out, expected.permute(0, 3, 1, 2).float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("look_filter", "expected"),
    [("area", [[10.0, 50.0], [0.0, 255.0]]), ("nearest", [[0.0, 40.0], [0.0, 255.0]])],
)
def test_halving_by_area_averages_and_by_nearest_picks(
    look_filter: Literal["area", "nearest"], expected: list[list[float]]
) -> None:
    crop = grey([[0, 20, 40, 60], [0, 20, 40, 60], [0, 0, 255, 255], [0, 0, 255, 255]])

    out = at_pixels(crop, 2, replace(PLAIN, look_filter=look_filter))

    torch.testing.assert_close(out[0, 0], torch.tensor(expected))


def test_halving_by_bilinear_weighs_by_a_tent_of_twice_the_width() -> None:
    # Halving 4 pixels: the tent around 1.0 (between pixels 0 and 1) weighs 0, 1, 2 as 3:3:1 of 7.
    crop = grey([[0, 70, 140, 0]] * 4)

    out = at_pixels(crop, 2, replace(PLAIN, look_filter="bilinear"))

    row = [(3 * 0 + 3 * 70 + 1 * 140) / 7, (1 * 70 + 3 * 140 + 3 * 0) / 7]
    torch.testing.assert_close(out[0, 1], torch.tensor([row, row]))


@pytest.mark.parametrize("look_filter", ["bilinear", "area", "nearest"])
def test_one_colour_stays_that_colour_in_rgb_order(look_filter: Literal["bilinear", "area", "nearest"]) -> None:
    crop = torch.tensor([10, 20, 30], dtype=torch.uint8).expand(1, 12, 12, 3)

    out = at_pixels(crop, 5, replace(PLAIN, look_filter=look_filter))

    torch.testing.assert_close(out, torch.tensor([10.0, 20.0, 30.0]).view(1, 3, 1, 1).expand(1, 3, 5, 5))


@pytest.mark.parametrize("pixels", [4, 8])
def test_looks_are_float32_in_channels_last_memory(pixels: int) -> None:
    out = at_pixels(torch.zeros(2, 8, 8, 3, dtype=torch.uint8), pixels, PLAIN)

    assert out.shape == (2, 3, pixels, pixels)
    assert out.dtype == torch.float32
    assert out.is_contiguous(memory_format=torch.channels_last)

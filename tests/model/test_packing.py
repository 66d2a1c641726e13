"""Convolutions with packed weights and the activations after them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, fx, nn
from torch.utils.flop_counter import FlopCounterMode

from adaframe.model import packing
from adaframe.model.backbones import build_backbone
from adaframe.model.fusion import fold_norms
from adaframe.model.packing import Packed, pack_convolutions

NEEDED = torch.backends.mkldnn.is_available()


def packed(module: nn.Module) -> int:
    return sum(isinstance(m, Packed) for m in module.modules())


@pytest.mark.skipif(not NEEDED, reason="this build of torch has no oneDNN")
@pytest.mark.parametrize("name", ["tiny-4", "mobilenet_v2", "shufflenet_v2_x0_5", "resnet18"])
@torch.inference_mode()
def test_features_differ_by_rounding_only_at_any_number_and_size_of_pictures(name: str) -> None:
    torch.manual_seed(0)
    folded = fold_norms(build_backbone(name, "none")[0].eval())
    pictures = [torch.randn(n, 3, p, p).contiguous(memory_format=torch.channels_last) for n, p in ((1, 32), (5, 48))]
    expected = [folded(some) for some in pictures]

    quick = pack_convolutions(folded)

    for some, right in zip(pictures, expected, strict=True):
        for _ in range(2):
            torch.testing.assert_close(quick(some), right, rtol=1e-3, atol=1e-4 * float(right.abs().max()))
    assert packed(quick) > 0
    assert not any(isinstance(m, nn.Conv2d) for m in quick.modules())


class Odd(nn.Module):
    """A convolution that serves twice, one that pads by reflection, one whose output goes elsewhere too."""

    def __init__(self) -> None:
        super().__init__()
        self.twice, self.forked = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 3, padding=1)
        self.mirrored = nn.Conv2d(3, 3, 3, padding=1, padding_mode="reflect")
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        x = self.forked(self.mirrored(self.twice(self.twice(x))))
        both: Tensor = self.relu(x) + x
        return both


@pytest.mark.skipif(not NEEDED, reason="this build of torch has no oneDNN")
@torch.inference_mode()
def test_what_cannot_be_packed_stays() -> None:
    torch.manual_seed(0)
    traced, pictures = fx.symbolic_trace(Odd().eval()), torch.randn(2, 3, 8, 8)
    expected = traced(pictures)

    quick = pack_convolutions(traced)

    torch.testing.assert_close(quick(pictures), expected)
    assert packed(quick) == 1
    assert sum(isinstance(m, nn.Conv2d) for m in quick.modules()) == 2


@pytest.fixture
def tried_anew() -> Iterator[None]:
    """Whether packing works is found out again, before and after."""
    packing._works.cache_clear()
    yield
    packing._works.cache_clear()


@pytest.mark.usefixtures("tried_anew")
@pytest.mark.parametrize("wrong", [None, TypeError, RuntimeError])
def test_without_its_operations_as_they_are_known_nothing_changes(
    monkeypatch: pytest.MonkeyPatch, wrong: type[Exception] | None
) -> None:
    def refuse(*_: object) -> Tensor:
        assert wrong is not None
        raise wrong("other arguments")

    if wrong is None:
        monkeypatch.setattr(packing, "_NEEDED", ("_an_operation_that_no_torch_has",))
    else:
        monkeypatch.setattr(Packed, "forward", refuse)
    folded = fold_norms(build_backbone("tiny-2", "none")[0].eval())

    assert packed(pack_convolutions(folded)) == 0


def test_what_was_not_traced_stays_as_it_is() -> None:
    backbone = build_backbone("tiny-2", "none")[0].eval()

    assert pack_convolutions(backbone) is backbone
    assert packed(backbone) == 0


def test_torch_counts_the_same_multiply_adds() -> None:
    traced = fx.symbolic_trace(
        nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.ReLU6(), nn.Conv2d(8, 8, 3, groups=8), nn.Conv2d(8, 4, 1))
    ).eval()
    pictures = torch.rand(2, 3, 17, 17)
    with FlopCounterMode(display=False) as plain:
        traced(pictures)

    packed = pack_convolutions(traced)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        packed(pictures.contiguous(memory_format=torch.channels_last))

    assert counter.get_total_flops() == plain.get_total_flops() > 0

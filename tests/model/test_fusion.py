"""Batch norms folded into the convolutions before them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from adaframe.model.backbones import build_backbone
from adaframe.model.fusion import fold_norms


def settled(module: nn.Module) -> nn.Module:
    """In eval mode, with norms away from their start."""
    torch.manual_seed(0)
    for norm in module.modules():
        if isinstance(norm, nn.BatchNorm2d):
            if norm.running_mean is not None and norm.running_var is not None:
                nn.init.uniform_(norm.running_mean, -0.5, 0.5)
                nn.init.uniform_(norm.running_var, 0.5, 2.0)
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.uniform_(norm.bias, -0.5, 0.5)
    return module.eval()


def norms(module: nn.Module) -> int:
    return sum(isinstance(m, nn.BatchNorm2d) for m in module.modules())


@pytest.mark.parametrize("name", ["tiny-4", "mobilenet_v2", "shufflenet_v2_x0_5", "resnet18"])
@torch.no_grad()
def test_features_differ_by_rounding_only_and_no_norm_is_left(name: str) -> None:
    backbone = settled(build_backbone(name, "none")[0])
    pictures = torch.randn(2, 3, 32, 32)
    expected, before = backbone(pictures), norms(backbone)

    folded = fold_norms(backbone)

    scale = float(expected.abs().max())
    torch.testing.assert_close(folded(pictures), expected, rtol=1e-3, atol=1e-4 * scale)
    assert norms(folded) == 0
    assert norms(backbone) == before > 0
    torch.testing.assert_close(backbone(pictures), expected, rtol=0, atol=0)


class Twice(nn.Module):
    """One convolution that serves twice, one whose output goes elsewhere too, one without stored statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.again, self.forked, self.loose = (nn.Conv2d(3, 3, 1) for _ in range(3))
        self.first, self.second, self.third = (nn.BatchNorm2d(3) for _ in range(3))
        self.fourth = nn.BatchNorm2d(3, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.again(self.first(self.again(x))))
        forked = self.forked(x)
        both: Tensor = self.fourth(self.loose(self.third(forked) + forked))
        return both


@torch.no_grad()
def test_norms_that_cannot_be_folded_stay() -> None:
    module, pictures = settled(Twice()), torch.randn(2, 3, 4, 4)

    folded = fold_norms(module)

    torch.testing.assert_close(folded(pictures), module(pictures))
    assert norms(folded) == 4


class Branching(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


def test_what_cannot_be_traced_stays_as_it_is() -> None:
    module = Branching().eval()

    assert fold_norms(module) is module


def test_training_mode_is_refused() -> None:
    with pytest.raises(ValueError, match="eval mode only"):
        fold_norms(build_backbone("tiny-2", "none")[0])

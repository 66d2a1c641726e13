"""What AR-Net's paper and release say that networks cost (Meng et al., arXiv:2007.15796; github.com/mengyuest/AR-Net).

The release counts with thop, multiply-adds with class scores for 200 classes, and calls them FLOPs. thop also counts its norms,
in 2020 with two operations for each value, today with four; we count convolutions and matrix products.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Published:
    """GMACs of a network on one picture.

    Args:
        paper: as the paper has it; None where it says nothing.
        released: what the release counts with: thop 0.0.31 (May 2020), or a table of its own.
        now: the same by thop 0.1.1; None for what thop has no part in.
    """

    paper: float | None
    released: float
    now: float | None = None


_COUNTED = {
    ("resnet50", 224): Published(4.11, 4.109876224, 4.132104192),
    ("resnet34", 168): Published(2.25, 2.248897792, 2.2532352),
    ("resnet18", 112): Published(0.486, 0.486219776, 0.487480832),
    ("mobilenet_v2", 84): Published(0.053, 0.052665376, 0.05471776),
}
# ops/net_flops_table.py: GFLOPs that were published for pictures of 224, 240 and 300 pixels (arXiv:1905.11946), taken as if all
# were at 224 and scaled from there.
_TABLE, _TABLE_PIXELS = {"efficientnet_b0": 0.39, "efficientnet_b1": 0.70, "efficientnet_b3": 1.80}, 224

# 2·1280², for an LSTM of 512 on 1280 features, which takes 4·512·(1280+512) = 0.00367 (and its action logits).
LSTM, LSTM_SIZE = Published(None, 0.0032768, 0.0032768), (1280, 512)


def published(backbone: str, pixels: int) -> Published | None:
    """What is said of a backbone at a size; None: nothing."""
    name = backbone.partition("-")[0]
    if name in _TABLE:
        return Published(None, _TABLE[name] * (pixels / _TABLE_PIXELS) ** 2)
    return _COUNTED.get((name, pixels))


def released_gflops(
    shares: Mapping[str, float], looks: Mapping[str, float], glance: float, skips: Sequence[int]
) -> float:
    """GFLOPs per frame as the release reports them, from the share of the frames that each action was executed for.

    A skip's one glance is spread over its n frames, and those that it covers cost nothing. (The release runs all of its
    networks on all frames.)

    Args:
        shares: by name of the action; those left out are 0.
        looks: GFLOPs of each look.
        glance: GFLOPs of a glance with the policy's step.
        skips: lengths of the skips.
    """
    spread = 1 - sum(shares.get(f"skip-{n}", 0.0) * (1 - 1 / n) for n in skips)
    return sum(shares.get(name, 0.0) * gflops for name, gflops in looks.items()) + glance * spread

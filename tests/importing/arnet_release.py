"""What AR-Net's release computes, step by step and without any of adaframe's code, and small checkpoints in its layout.

Letters: B videos, T frames, K classes. Written from the description of its forward pass; EfficientNets as
efficientnet_pytorch has them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision import models

PIXELS, SKIPS = (224, 168, 112, 84), (1, 2, 4)
HIDDEN = 512
_MEAN, _STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])


@dataclass(frozen=True)
class Answer:
    """Executed actions (B, T) and class scores (B, K)."""

    executed: Tensor
    scores: Tensor


def forward(
    features: list[Callable[[Tensor], Tensor]],
    state: dict[str, Tensor],
    frames: Tensor,
    *,
    pixels: tuple[int, ...] = PIXELS,
) -> Answer:
    """The release's forward pass with its actions by argmax.

    Args:
        features: the networks and, last, the policy's: (N, 3, p, p) -> (N, F).
        state: of rnn, linear, lite_fc and new_fc_list, without `module.`.
        frames: uint8, RGB, (B, T, 224, 224, 3).
    """
    videos, steps = frames.shape[:2]
    pictures = ((frames.flatten(0, 1).float() / 255 - _MEAN) / _STD).permute(0, 3, 1, 2)
    sized = [F.interpolate(pictures, size=(p, p), mode="nearest") for p in pixels]
    looks = len(features) - 1
    scores = [
        (features[i](sized[i]) @ state[f"new_fc_list.{i}.weight"].T + state[f"new_fc_list.{i}.bias"]).view(
            videos, steps, -1
        )
        for i in range(looks)
    ]
    glances = features[-1](sized[-1]).view(videos, steps, -1)
    executed = torch.zeros(videos, steps, dtype=torch.long)
    total = torch.zeros(videos, scores[0].shape[2])
    for b in range(videos):
        h = c = torch.zeros(HIDDEN)
        left, action, answered = 0, -1, 0
        for t in range(steps):
            gates = state["rnn.weight_ih"] @ glances[b, t] + state["rnn.bias_ih"]
            gates = gates + state["rnn.weight_hh"] @ h + state["rnn.bias_hh"]
            i, f, g, o = gates.chunk(4)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            new = o.sigmoid() * c.tanh()
            if left == 0:
                h = new
                action = int((state["linear.weight"] @ h + state["linear.bias"]).argmax())
                if action > looks:
                    left = SKIPS[action - looks - 1]
            left = max(left - 1, 0)
            executed[b, t] = action
            if action < looks:
                total[b] += scores[action][b, t]
                answered += 1
            elif action == looks:
                total[b] += state["lite_fc.weight"] @ new + state["lite_fc.bias"]
                answered += 1
        total[b] /= max(answered, 1)
    return Answer(executed, total)


def torchvision_features(name: str, state: dict[str, Tensor]) -> Callable[[Tensor], Tensor]:
    """A torchvision network without its last layer."""
    model = models.get_model(name, weights=None).eval()
    model.load_state_dict(state, strict=False)
    last = "classifier" if name == "mobilenet_v2" else "fc"
    setattr(model, last, torch.nn.Identity())
    return model


# Of each stage of B0 (arXiv:1905.11946, table 1): expansion, channels, repeats, stride, kernel.
_STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)
_SCALES = {"b0": (1.0, 1.0, 224), "b1": (1.0, 1.1, 240), "b3": (1.2, 1.4, 300)}  # width, depth, native pixels


@dataclass(frozen=True)
class Block:
    narrow: int
    wide: int
    out: int
    kernel: int
    stride: int
    size: int  # of the native picture, as it comes in


def efficientnet_blocks(variant: str) -> tuple[int, int, int, list[Block]]:
    """Stem and head width, native pixels, and the blocks."""
    width, depth, pixels = _SCALES[variant]
    stem, size, blocks = _rounded(32 * width), math.ceil(pixels / 2), []
    before = stem
    for expansion, channels, repeats, stride, kernel in _STAGES:
        after = _rounded(channels * width)
        for n in range(math.ceil(repeats * depth)):
            step = stride if n == 0 else 1
            blocks.append(Block(before, before * expansion, after, kernel, step, size))
            before, size = after, math.ceil(size / step)
    return stem, _rounded(1280 * width), pixels, blocks


def _rounded(channels: float) -> int:
    """To a multiple of 8, not more than a tenth down."""
    near = max(8, int(channels + 4) // 8 * 8)
    return near + 8 if near < 0.9 * channels else near


def efficientnet_features(
    variant: str, state: dict[str, Tensor], *, always_even: bool = False
) -> Callable[[Tensor], Tensor]:
    """An EfficientNet without its last layer, by efficientnet_pytorch's names, padded for its native pictures.

    Args:
        variant: b0, b1 or b3.
        state: of the network.
        always_even: pad each layer as if its maps had the (even) native size, as that package did before May 2020.
    """
    _, _, pixels, blocks = efficientnet_blocks(variant)

    def norm(x: Tensor, name: str) -> Tensor:
        s = [state[f"{name}.{k}"] for k in ("running_mean", "running_var", "weight", "bias")]
        return F.batch_norm(x, *s, training=False, eps=1e-3)

    def same(x: Tensor, name: str, stride: int, size: int, groups: int = 1) -> Tensor:
        weight = state[f"{name}.weight"]
        size = pixels if always_even else size
        lacking = max((math.ceil(size / stride) - 1) * stride + weight.shape[2] - size, 0)
        x = F.pad(x, (lacking // 2, lacking - lacking // 2) * 2)
        return F.conv2d(x, weight, stride=stride, groups=groups)

    def features(x: Tensor) -> Tensor:
        x = F.silu(norm(same(x, "_conv_stem", 2, pixels), "_bn0"))
        for n, block in enumerate(blocks):
            name, start = f"_blocks.{n}", x
            if block.wide != block.narrow:
                x = F.silu(norm(F.conv2d(x, state[f"{name}._expand_conv.weight"]), f"{name}._bn0"))
            x = same(x, f"{name}._depthwise_conv", block.stride, block.size, groups=block.wide)
            x = F.silu(norm(x, f"{name}._bn1"))
            gate = F.conv2d(
                x.mean((2, 3), keepdim=True), *(state[f"{name}._se_reduce.{k}"] for k in ("weight", "bias"))
            )
            gate = F.conv2d(F.silu(gate), *(state[f"{name}._se_expand.{k}"] for k in ("weight", "bias")))
            x = norm(F.conv2d(gate.sigmoid() * x, state[f"{name}._project_conv.weight"]), f"{name}._bn2")
            if block.stride == 1 and block.narrow == block.out:
                x = x + start
        x = F.silu(norm(F.conv2d(x, state["_conv_head.weight"]), "_bn1"))
        return x.mean((2, 3))

    return features


def random_efficientnet(variant: str, generator: torch.Generator) -> dict[str, Tensor]:
    """Weights under efficientnet_pytorch's names."""
    stem, head, _, blocks = efficientnet_blocks(variant)
    state: dict[str, Tensor] = {}

    def conv(name: str, out: int, into: int, kernel: int, bias: bool = False) -> None:
        state[f"{name}.weight"] = _uniform((out, into, kernel, kernel), generator) * (3 / (into * kernel**2)) ** 0.5
        if bias:
            state[f"{name}.bias"] = _uniform((out,), generator)

    def norm(name: str, channels: int) -> None:
        state[f"{name}.weight"] = 0.85 + 0.2 * _uniform((channels,), generator)
        state[f"{name}.bias"] = 0.3 * _uniform((channels,), generator)
        state[f"{name}.running_mean"] = 0.1 * _uniform((channels,), generator)
        state[f"{name}.running_var"] = 0.4 + 0.2 * _uniform((channels,), generator)
        state[f"{name}.num_batches_tracked"] = torch.tensor(1)

    conv("_conv_stem", stem, 3, 3)
    norm("_bn0", stem)
    for n, block in enumerate(blocks):
        name = f"_blocks.{n}"
        if block.wide != block.narrow:
            conv(f"{name}._expand_conv", block.wide, block.narrow, 1)
            norm(f"{name}._bn0", block.wide)
        conv(f"{name}._depthwise_conv", block.wide, 1, block.kernel)
        norm(f"{name}._bn1", block.wide)
        conv(f"{name}._se_reduce", block.narrow // 4, block.wide, 1, bias=True)
        conv(f"{name}._se_expand", block.wide, block.narrow // 4, 1, bias=True)
        conv(f"{name}._project_conv", block.out, block.wide, 1)
        norm(f"{name}._bn2", block.out)
    conv("_conv_head", head, blocks[-1].out, 1)
    norm("_bn1", head)
    return state


def random_torchvision(name: str, generator: torch.Generator) -> dict[str, Tensor]:
    """Weights of a torchvision network without its last layer, with the statistics that its norms meet on such frames."""
    with torch.random.fork_rng():
        torch.manual_seed(int(torch.randint(1 << 30, (1,), generator=generator)))
        model = models.get_model(name, weights=None).train()
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
    frames = coloured_frames(1, 8, generator)[0, :, ::2, ::2]
    with torch.no_grad():
        model(((frames.float() / 255 - _MEAN) / _STD).permute(0, 3, 1, 2))
    last = "classifier." if name == "mobilenet_v2" else "fc."
    return {k: v for k, v in model.state_dict().items() if not k.startswith(last)}


def random_rest(widths: list[int], glance: int, classes: int, generator: torch.Generator) -> dict[str, Tensor]:
    """LSTM, action head and class heads, of a policy with opinions."""
    actions = len(widths) + 1 + len(SKIPS)
    shapes = {
        "rnn.weight_ih": (4 * HIDDEN, glance),
        "rnn.weight_hh": (4 * HIDDEN, HIDDEN),
        "rnn.bias_ih": (4 * HIDDEN,),
        "rnn.bias_hh": (4 * HIDDEN,),
        "linear.weight": (actions, HIDDEN),
        "linear.bias": (actions,),
        "lite_fc.weight": (classes, HIDDEN),
        "lite_fc.bias": (classes,),
    }
    for i, width in enumerate(widths):
        shapes |= {f"new_fc_list.{i}.weight": (classes, width), f"new_fc_list.{i}.bias": (classes,)}
    state = {
        k: _uniform(v, generator) * (1.0 if k.startswith("linear") else (3 / v[-1]) ** 0.5) for k, v in shapes.items()
    }
    # What all pictures have in common does not move the policy, so that its actions differ from frame to frame.
    state["rnn.weight_ih"] -= state["rnn.weight_ih"].mean(dim=1, keepdim=True)
    return state


def _uniform(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return 2 * torch.rand(shape, generator=generator) - 1


def coloured_frames(videos: int, steps: int, generator: torch.Generator) -> Tensor:
    """Frames of coarse patches, dark or bright, over a fine pattern, uint8, (B, T, 224, 224, 3)."""
    bright = torch.rand(videos, steps, 1, 1, 3, generator=generator)
    patches = (200 * bright * torch.rand(videos, steps, 7, 7, 3, generator=generator)).byte()
    coarse = patches.repeat_interleave(32, 2).repeat_interleave(32, 3)
    fine = torch.randint(0, 56, (1, 1, 224, 224, 3), generator=generator, dtype=torch.uint8)
    return coarse + fine

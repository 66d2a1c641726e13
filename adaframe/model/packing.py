"""Convolutions with weights in the order that the CPU's kernels want, and the activation after them: for inference alone.

Letters: N frames, C and D channels in and out, H×W pixels.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor, fx, nn

# As torch's compiler calls them: the activation's name in oneDNN, and its numbers.
_ACTIVATIONS: dict[type, tuple[str, list[float]]] = {
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
}
_NEEDED = (
    "_convolution_pointwise",
    "_linear_pointwise",
    "_reorder_convolution_weight",
    "_reorder_linear_weight",
    "_get_mkldnn_serialized_md",
)


def pack_convolutions(backbone: nn.Module) -> nn.Module:
    """A traced backbone with its convolutions replaced, in place; its features differ by rounding only.

    Plain convolutions bring their weights into the kernel's order at every call, which takes a third of the time of a
    MobileNetV2 on a few small pictures. What is not on a CPU or could not be traced stays as it is, and so does all of it
    where the operations, which are torch's compiler's own and not public, are not there or not as they are known here.

    Args:
        backbone: in eval mode, float32, its norms folded.
    """
    on_cpu = all(p.device.type == "cpu" for p in backbone.parameters())
    if not (on_cpu and isinstance(backbone, fx.GraphModule) and _works()):
        return backbone
    _let_torch_count()
    return _packed(backbone)


def _packed(traced: fx.GraphModule) -> fx.GraphModule:
    modules = dict(traced.named_modules())
    calls = [node.target for node in traced.graph.nodes if node.op == "call_module"]
    for node in list(traced.graph.nodes):
        convolution = modules.get(str(node.target)) if node.op == "call_module" else None
        if type(convolution) is not nn.Conv2d or calls.count(node.target) > 1 or not _plain(convolution):
            continue
        after = next(iter(node.users)) if len(node.users) == 1 else None
        activation = modules.get(str(after.target)) if after is not None and after.op == "call_module" else None
        if after is not None and type(activation) in _ACTIVATIONS:
            after.replace_all_uses_with(node)
            traced.graph.erase_node(after)
        traced.set_submodule(str(node.target), Packed(convolution, *_ACTIVATIONS.get(type(activation), ("none", []))))
    traced.delete_all_unused_submodules()
    traced.recompile()
    return traced


@cache
def _works() -> bool:
    """Whether this torch has the operations, and they give what its convolutions give."""
    if not torch.backends.mkldnn.is_available() or not all(hasattr(torch.ops.mkldnn, name) for name in _NEEDED):
        return False
    picture = torch.linspace(-1, 1, 2 * 4 * 5 * 5).view(2, 4, 5, 5).contiguous(memory_format=torch.channels_last)
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        for kernel in (1, 3):
            convolution = nn.Conv2d(4, 4, kernel, bias=True).requires_grad_(False)
            try:
                found = Packed(convolution, "relu", [])(picture)
            except (RuntimeError, TypeError, NotImplementedError):  # other arguments than those of the versions tried
                return False
            if not torch.allclose(found, convolution(picture).relu(), atol=1e-5):
                return False
    return True


@cache
def _let_torch_count() -> None:
    """Teach torch's FlopCounterMode these operations: a user who counts shall find what we say that was executed."""
    from torch.utils.flop_counter import conv_flop_count, register_flop_formula

    def convolution(x: list[int], weight: list[int], *_: Any, out_shape: list[int], **__: Any) -> int:
        return int(conv_flop_count(x, weight, out_shape))

    def matrix(x: list[int], weight: list[int], *_: Any, out_shape: list[int], **__: Any) -> int:
        return 2 * math.prod(out_shape) * x[-1]

    register_flop_formula(torch.ops.mkldnn._convolution_pointwise)(convolution)
    register_flop_formula(torch.ops.mkldnn._linear_pointwise)(matrix)


def _plain(convolution: nn.Conv2d) -> bool:
    return convolution.padding_mode == "zeros" and not isinstance(convolution.padding, str)


class Packed(nn.Module):
    """A convolution and the activation after it: (N, C, H, W) -> (N, D, H', W'), channels_last.

    Args:
        convolution: its weights are copied.
        activation: in oneDNN's words, or none.
        numbers: of the activation.
    """

    def __init__(self, convolution: nn.Conv2d, activation: str, numbers: list[float]) -> None:
        super().__init__()
        self.weight, self.bias = convolution.weight.detach(), convolution.bias
        self.geometry: tuple[Any, ...] = (
            list(convolution.padding),
            list(convolution.stride),
            list(convolution.dilation),
            convolution.groups,
        )
        self.activation = (activation, numbers, "")
        # Every frame's every pixel through one matrix: twice as fast that way where there are few.
        self.matrix = (
            convolution.kernel_size == (1, 1) and self.geometry[:2] == ([0, 0], [1, 1]) and convolution.groups == 1
        )
        self._by_shape: dict[torch.Size, Tensor] = {}
        self._by_order: dict[bytes, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        packed = self._by_shape.get(x.shape)
        if packed is None:
            packed = self._pack(x.shape)
        if self.matrix:
            rows = torch.ops.mkldnn._linear_pointwise.default(
                x.permute(0, 2, 3, 1), packed, self.bias, *self.activation
            )
            return rows.permute(0, 3, 1, 2)  # type: ignore[no-any-return]
        return torch.ops.mkldnn._convolution_pointwise.default(  # type: ignore[no-any-return]
            x, packed, self.bias, *self.geometry, *self.activation
        )

    def _pack(self, shape: torch.Size) -> Tensor:
        """Which order is best depends on the shape; what is in the same order is kept once."""
        ops, weight = torch.ops.mkldnn, self.weight.contiguous()
        if self.matrix:
            packed = ops._reorder_linear_weight(weight.flatten(1), shape[0] * shape[2] * shape[3])
        else:
            packed = ops._reorder_convolution_weight(weight, *self.geometry, list(shape))
        order = bytes(ops._get_mkldnn_serialized_md(packed).view(torch.uint8).tolist()) if packed.is_mkldnn else b""
        self._by_shape[shape] = self._by_order.setdefault(order, packed)
        return self._by_shape[shape]

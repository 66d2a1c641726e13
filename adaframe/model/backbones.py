"""Name -> feature extractor: torchvision's image classifiers without their last layer, and a small CNN of our own."""

from __future__ import annotations

import copy
import difflib
import itertools
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from adaframe.config import Glance, Look
from adaframe.errors import AdaframeError, CheckpointError, UsageError
from adaframe.model.zoo import models

# Of the pictures that they were designed for (Tan and Le, arXiv:1905.11946).
_NATIVE_PIXELS = {f"efficientnet_b{n}": pixels for n, pixels in enumerate((224, 240, 260, 300, 380))}

NORMS = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)


class Tiny(nn.Sequential):
    """Five 3×3 convolutions, for small pictures and training from scratch: (N, 3, p, p) -> (N, F).

    Average and maximum of the last feature map stand side by side, so that something small in the picture is not
    averaged away.

    Args:
        channels: of the first layer; F is 8 times that.
    """

    def __init__(self, channels: int) -> None:
        widths = (3, channels, 2 * channels, 4 * channels, 4 * channels)
        layers: list[nn.Module] = []
        for i, (narrow, wide) in enumerate(itertools.pairwise(widths)):
            layers += [nn.Conv2d(narrow, wide, 3, stride=2 if i < 3 else 1, padding=1, bias=False)]
            layers += [nn.BatchNorm2d(wide), nn.ReLU(inplace=True)]
        super().__init__(*layers, AverageAndMaximum())
        self.features = 8 * channels


class AverageAndMaximum(nn.Module):
    """(N, C, h, w) -> (N, 2C)."""

    def forward(self, maps: Tensor) -> Tensor:
        return torch.cat([maps.mean(dim=(2, 3)), maps.amax(dim=(2, 3))], dim=1)


def build_backbone(name: str, weights: str) -> tuple[nn.Module, int]:
    """A feature extractor (N, 3, p, p) -> (N, F), and F.

    Args:
        name: a torchvision image classifier, or tiny-N; efficientnet_bN-same for the variant whose weights
            efficientnet_pytorch has, efficientnet_bN-even as it was before May 2020 (see `_pad_as_tensorflow`).
        weights: bundled, torchvision, none, or a .safetensors/.pth file with the classifier's state dict.

    Raises:
        UsageError: unknown name, or bundled weights of a backbone that has none.
        AdaframeError: weights cannot be downloaded or read.
    """
    if name.startswith("tiny-"):
        if not name[5:].isdecimal() or int(name[5:]) < 1:
            raise UsageError(f"backbone {name}: expected tiny-N with N channels in the first layer, such as tiny-16")
        if weights != "none":
            raise UsageError(f"backbone {name} has no pretrained weights; set weights: none")
        tiny = Tiny(int(name[5:]))
        return tiny, tiny.features
    name, _, variant = name.partition("-")
    if variant and (variant not in ("same", "even") or name not in _NATIVE_PIXELS):
        raise UsageError(f"backbone {name}-{variant} is not known; with -same or -even: {', '.join(_NATIVE_PIXELS)}")
    zoo = models()
    # Without the module it lists detectors and the like too, some of which download on being built.
    known = zoo.list_models(module=zoo)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        raise UsageError(
            f"backbone {name} is not known"
            + (f"; did you mean {close[0]}?" if close else "")
            + " Known: tiny-N, and torchvision's image classifiers (resnet50, mobilenet_v2, efficientnet_b0, …)"
        )
    model: nn.Module = zoo.get_model(name, weights=None)
    state = _pretrained(name, weights)
    if state is not None:
        _load_classifier(model, state, name, weights)
    if variant:
        _pad_as_tensorflow(model, _NATIVE_PIXELS[name], always_even=variant == "even")
    return _without_last_layer(model, name)


def _pad_as_tensorflow(model: nn.Module, pixels: int, *, always_even: bool) -> None:
    """Pad an EfficientNet as efficientnet_pytorch does: by what TensorFlow's `SAME` is at the network's native size.

    Where a stride of 2 meets an even size, one pixel more stands on the right and below. That package takes the sizes of the
    native picture whatever it is given, so these pads are fixed; it also has TensorFlow's epsilon in its norms. Until its
    commit ac65572 of May 2020 (0.6.3 and before) it padded each layer as if it saw the native picture itself, whose side is
    `always_even`: odd sizes further down (of B1, 15; of B3, 75 and 19) then had other pads.
    """
    size = pixels
    for path, module in list(model.named_modules()):
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3
        if not isinstance(module, nn.Conv2d) or module.kernel_size[0] == 1:
            continue
        kernel, stride = module.kernel_size[0], module.stride[0]
        out = -(-size // stride)
        needed = max((out - 1) * stride + kernel - size, 0)
        before = needed // 2
        if not always_even:
            size = out
        if module.padding[0] == before == needed - before:
            continue
        module.padding = (0, 0)
        parent = model.get_submodule(path.rpartition(".")[0])
        pad = nn.ZeroPad2d((before, needed - before, before, needed - before))
        setattr(parent, path.rpartition(".")[2], nn.Sequential(pad, module))


def _without_last_layer(model: nn.Module, name: str) -> tuple[nn.Module, int]:
    from torchvision.ops import StochasticDepth

    last = [(path, module) for path, module in model.named_modules() if isinstance(module, nn.Linear)]
    if not last or last[-1][1].out_features != 1000:
        raise UsageError(
            f"backbone {name} does not end in a linear classifier; try resnet18, mobilenet_v2, efficientnet_b0"
        )
    path, linear = last[-1]
    parent = model.get_submodule(path.rpartition(".")[0])
    setattr(parent, path.rpartition(".")[2], nn.Identity())
    for module in model.modules():
        # The head has its dropout; a second one inside the feature would make looks of one frame differ.
        if isinstance(module, (nn.Dropout, StochasticDepth)):
            module.p = 0.0
    if hasattr(model, "aux_logits"):
        raise UsageError(f"backbone {name} has auxiliary outputs, which adaframe does not use; try resnet50")
    return model, linear.in_features


def _pretrained(name: str, weights: str) -> dict[str, Tensor] | None:
    if weights in ("none", ""):
        return None
    if weights == "bundled":
        if name != "mobilenet_v2":
            raise UsageError(
                f"no weights are bundled for backbone {name} (only for mobilenet_v2); set weights: torchvision"
            )
        from adaframe.bundled import checkpoint_path

        return read_state_dict(checkpoint_path("mobilenet_v2_imagenet.safetensors"))
    if weights == "torchvision":
        try:
            downloaded: dict[str, Tensor] = (
                models().get_model_weights(name).DEFAULT.get_state_dict(progress=True, check_hash=True)
            )
        except (OSError, RuntimeError) as error:
            raise AdaframeError(
                f"backbone {name}: torchvision's weights could not be downloaded ({error}); try: download them "
                f"elsewhere and give the file as weights: FILE.pth, or weights: none"
            ) from error
        return downloaded
    return read_state_dict(Path(weights))


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Tensors of a .safetensors or .pth file, in float32 where floating; nothing in the file is executed."""
    if not path.is_file():
        raise AdaframeError(f"{path}: no such file of weights")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state: Any = load_file(path)
        else:
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # Both libraries raise many kinds for a damaged or foreign file.
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise CheckpointError(f"{path}: not a readable file of weights ({first[:120]})") from error
    named = state.get("state_dict", state) if isinstance(state, dict) else {}
    tensors = {k.removeprefix("module."): v for k, v in named.items() if isinstance(v, Tensor)}
    if not tensors:
        raise CheckpointError(f"{path}: holds no tensors by name; expected the state dict of an image classifier")
    return {k: v.float() if v.is_floating_point() else v for k, v in tensors.items()}


def _load_classifier(model: nn.Module, state: dict[str, Tensor], name: str, where: str) -> None:
    own = model.state_dict()
    classifier = [k for k in own if own[k].shape[:1] == (1000,)]
    unfit = [k for k in state if k in own and own[k].shape != state[k].shape and k not in classifier]
    missing = [k for k in own if k not in state and k not in classifier and not k.endswith("num_batches_tracked")]
    if unfit or missing:
        raise CheckpointError(
            f"{where}: not weights of {name}: {len(missing)} entries missing, {len(unfit)} of other shapes"
        )
    model.load_state_dict({k: v for k, v in state.items() if k in own and own[k].shape == v.shape}, strict=False)


def share_weights(source: nn.Module, *, norms_of_its_own: bool) -> nn.Module:
    """A backbone that uses another's weights.

    Args:
        source: whose weights are used.
        norms_of_its_own: True copies the normalisation layers (statistics differ between resolutions when training from
            scratch) and ties all else; False returns the source itself.
    """
    if not norms_of_its_own:
        return source
    twin = copy.deepcopy(source)
    for path, module in twin.named_modules():
        if not isinstance(module, NORMS):
            for name, _ in list(module.named_parameters(recurse=False)):
                setattr(module, name, getattr(source.get_submodule(path), name))
    return twin


class Backbones:
    """Makes the backbones of one network, so that those that share weights do.

    Args:
        pretrained: False leaves them without weights (a checkpoint brings them).
    """

    def __init__(self, *, pretrained: bool) -> None:
        self.pretrained = pretrained
        self._made: dict[str, tuple[nn.Module, int]] = {}

    def of(self, part: Look | Glance) -> tuple[nn.Module, int]:
        """The backbone of a look, or of the glance, and the width of its features; looks come before what shares with them."""
        source = self._made.get(part.shares)
        if source is None:
            backbone, width = build_backbone(part.backbone, part.weights if self.pretrained else "none")
        else:
            backbone, width = share_weights(source[0], norms_of_its_own=part.weights == "none"), source[1]
        if isinstance(part, Look):
            self._made[part.name] = backbone, width
        return backbone, width

"""Looks start from networks that others trained on videos."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torchvision import models

from adaframe.config import Glance, Head, Look, Model, Policy, Preprocess
from adaframe.errors import CheckpointError
from adaframe.importing.backbones import load_backbone
from adaframe.model.network import Network

SMALL = Model(
    glance=Glance(16, "tiny-2", "none"),
    looks=(Look("look-64", 64, "resnet50", "none"), Look("look-32", 32, "resnet18", "none")),
    policy=Policy(4, 4),
    head=Head(width=4),
    preprocess=Preprocess(resize=64, crop=64),
)


@pytest.fixture(scope="module")
def trained() -> dict[str, Tensor]:
    torch.manual_seed(1)
    return models.resnet50(weights=None).state_dict()


def with_non_local(name: str) -> str:
    """Some blocks of TSM's networks with non-local layers are wrapped together with one."""
    return re.sub(r"((?:layer2\.[02]|layer3\.[024]))\.", r"\1.block.", name)


def in_mmaction2(name: str, *, shifted: bool = False) -> str:
    """torchvision's name -> that of mmaction2's ResNet; with TSM, blocks' first convolutions are wrapped."""
    name = name.replace("downsample.0.", "downsample.conv.").replace("downsample.1.", "downsample.bn.")
    name = re.sub(r"\bconv(\d)\.", r"conv\1.conv.", name)
    name = re.sub(r"\bbn(\d)\.", r"conv\1.bn.", name)
    if shifted:
        name = re.sub(r"(layer\d\.\d+\.conv1\.conv)\.", r"\1.net.", name)
    return name.replace("fc.", "fc_cls.")


LAYOUTS = {
    "mmaction2's TSN": lambda k: (
        f"cls_head.{in_mmaction2(k)}" if k.startswith("fc.") else f"backbone.{in_mmaction2(k)}"
    ),
    "mmaction2's TSM": lambda k: (
        f"cls_head.{in_mmaction2(k)}" if k.startswith("fc.") else f"backbone.{in_mmaction2(k, shifted=True)}"
    ),
    "TSM's release": lambda k: (
        f"module.new_{k}" if k.startswith("fc.") else "module.base_model." + re.sub(r"(\.\d+\.conv1)\.", r"\1.net.", k)
    ),
    "mmaction2's TSM with non-local layers": lambda k: (
        f"cls_head.{in_mmaction2(k)}"
        if k.startswith("fc.")
        else f"backbone.{with_non_local(in_mmaction2(k, shifted=True))}"
    ),
    "TSM's release, blocks shifted": lambda k: (
        f"module.new_{k}" if k.startswith("fc.") else "module.base_model." + re.sub(r"(layer\d\.\d+)\.", r"\1.net.", k)
    ),
    "torchvision's": lambda k: k,
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_look_starts_from_the_backbone_of_a_video_network(
    tmp_path: Path, trained: dict[str, Tensor], layout: str
) -> None:
    path = tmp_path / "video.pth"
    torch.save({"state_dict": {LAYOUTS[layout](k): v for k, v in trained.items()}, "meta": {"epoch": 5}}, path)
    network = Network(SMALL, classes=3)
    other = {k: v.clone() for k, v in network.looks[1].state_dict().items()}

    started = load_backbone(network, path)

    assert started == ["look-64"]
    assert all(torch.equal(v, trained[k]) for k, v in network.looks[0].state_dict().items())
    assert all(torch.equal(v, other[k]) for k, v in network.looks[1].state_dict().items())


def mobilenet_in_mmaction2(name: str) -> str:
    """torchvision's name of a MobileNetV2 -> mmaction2's, whose stages have 1, 2, 3, 4, 3, 3 and 1 blocks."""
    _, number, rest = name.split(".", 2)
    entry = name.rpartition(".")[2]
    if number in ("0", "18"):
        return f"conv{1 if number == '0' else 2}.{'conv' if rest.startswith('0.') else 'bn'}.{entry}"
    stages = [f"layer{stage}.{block}" for stage, count in enumerate((1, 2, 3, 4, 3, 3, 1), 1) for block in range(count)]
    last = 1 if number == "1" else 2
    parts = {f"conv.{last}.{entry}": (last, "conv"), f"conv.{last + 1}.{entry}": (last, "bn")}
    parts |= {f"conv.{n}.{i}.{entry}": (n, kind) for n in range(last) for i, kind in enumerate(("conv", "bn"))}
    part, kind = parts[rest]
    shift = ".net" if kind == "conv" and part == 0 else ""
    return f"{stages[int(number) - 1]}.conv.{part}.{kind}{shift}.{entry}"


def test_a_glance_starts_from_the_mobilenet_of_a_video_network(tmp_path: Path) -> None:
    torch.manual_seed(1)
    trained = models.mobilenet_v2(weights=None).features.state_dict()
    path = tmp_path / "video.pth"
    named = {f"backbone.{mobilenet_in_mmaction2(f'features.{k}')}": v for k, v in trained.items()}
    torch.save({"state_dict": named}, path)
    network = Network(replace(SMALL, glance=Glance(32, "mobilenet_v2", "none")), classes=3)
    assert network.glance is not None

    assert load_backbone(network, path) == ["glance"]
    assert all(torch.equal(v, trained[k.removeprefix("features.")]) for k, v in network.glance.state_dict().items())


def test_a_backbone_that_the_model_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.pth"
    torch.save({"state_dict": models.resnet34(weights=None).state_dict()}, path)

    with pytest.raises(
        CheckpointError, match="is a resnet34, and no part of this model is; its backbones: resnet18, resnet50"
    ):
        load_backbone(Network(SMALL, classes=3), path)


def test_a_file_that_lacks_a_layer_says_so(tmp_path: Path, trained: dict[str, Tensor]) -> None:
    path = tmp_path / "half.pth"
    torch.save({"state_dict": {k: v for k, v in trained.items() if not k.startswith("layer4.2.bn3")}}, path)

    with pytest.raises(CheckpointError, match=r"4 tensors are missing .*layer4\.2\.bn3"):
        load_backbone(Network(SMALL, classes=3), path)

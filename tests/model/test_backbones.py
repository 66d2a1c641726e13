"""Name -> feature extractor."""

from __future__ import annotations

import os
import pickle
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
import torchvision
from safetensors.torch import load_file, save_file

from adaframe.bundled import checkpoint_path
from adaframe.errors import AdaframeError, CheckpointError, UsageError
from adaframe.model.backbones import build_backbone, read_state_dict, share_weights

SMALL = "shufflenet_v2_x0_5"


def features_of_classifier(model: torch.nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """What goes into the last layer, caught on its way."""
    caught: list[torch.Tensor] = []
    model.get_submodule("fc").register_forward_hook(lambda _m, inputs, _out: caught.append(inputs[0]))
    with torch.no_grad():
        model.eval()(pictures)
    return caught[0]


@pytest.mark.parametrize(("name", "features"), [("tiny-1", 8), ("tiny-16", 128)])
def test_tiny_backbones_are_as_wide_as_their_name_says(name: str, features: int) -> None:
    backbone, width = build_backbone(name, "none")

    assert width == features
    assert backbone(torch.zeros(2, 3, 8, 8)).shape == (2, features)


@pytest.mark.parametrize("name", ["tiny-0", "tiny-", "tiny-x", "tiny-²"])
def test_tiny_needs_a_number_of_channels(name: str) -> None:
    with pytest.raises(UsageError, match=r"expected tiny-N .* such as tiny-16"):
        build_backbone(name, "none")


def test_tiny_has_no_pretrained_weights() -> None:
    with pytest.raises(UsageError, match="tiny-2 has no pretrained weights; set weights: none"):
        build_backbone("tiny-2", "bundled")


def test_a_torchvision_classifier_gives_what_goes_into_its_last_layer(tmp_path: Path) -> None:
    torch.manual_seed(0)
    classifier = torchvision.models.get_model(SMALL)
    torch.save(classifier.state_dict(), tmp_path / "w.pth")
    pictures = torch.randn(2, 3, 32, 32)

    backbone, width = build_backbone(SMALL, str(tmp_path / "w.pth"))

    assert width == 1024
    torch.testing.assert_close(backbone.eval()(pictures), features_of_classifier(classifier, pictures))


def test_an_unknown_name_suggests_the_closest() -> None:
    with pytest.raises(UsageError, match=r"mobilenetv2 is not known; did you mean mobilenet_v2\?"):
        build_backbone("mobilenetv2", "none")


@pytest.mark.parametrize("name", ["fasterrcnn_resnet50_fpn", "r3d_18"])
def test_what_is_no_image_classifier_is_not_known(name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is not known"):
        build_backbone(name, "none")


def test_a_classifier_that_does_not_end_in_a_linear_layer_is_refused() -> None:
    with pytest.raises(UsageError, match="squeezenet1_1 does not end in a linear classifier; try resnet18"):
        build_backbone("squeezenet1_1", "none")


def test_looks_of_one_frame_do_not_differ_by_chance() -> None:
    # Dropout and stochastic depth inside a backbone are off even in training.
    backbone, _ = build_backbone("efficientnet_b0", "none")
    for module in backbone.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eval()
    pictures = torch.randn(4, 3, 32, 32)

    with torch.no_grad():
        assert backbone.training
        assert torch.equal(backbone(pictures), backbone(pictures))


def test_bundled_weights_are_those_of_the_file() -> None:
    backbone, width = build_backbone("mobilenet_v2", "bundled")

    stored = load_file(checkpoint_path("mobilenet_v2_imagenet.safetensors"))
    assert width == 1280
    name = "features.0.0.weight"
    assert torch.equal(backbone.get_parameter(name), stored[name].float())


def test_bundled_weights_of_another_backbone_are_refused() -> None:
    with pytest.raises(UsageError, match=r"no weights are bundled for backbone resnet18 .*; set weights: torchvision"):
        build_backbone("resnet18", "bundled")


def test_torchvision_weights_without_a_network_say_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_args: Any, **_options: Any) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setattr("torchvision.models._api.WeightsEnum.get_state_dict", unreachable)

    with pytest.raises(AdaframeError, match=r"resnet18: .* could not be downloaded .*; try: download them elsewhere"):
        build_backbone("resnet18", "torchvision")


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_weights_come_from_a_local_file(tmp_path: Path, suffix: str) -> None:
    torch.manual_seed(0)
    state = {name: value.contiguous() for name, value in torchvision.models.get_model(SMALL).state_dict().items()}
    path = tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        # As some training scripts leave it: nested, from several devices, in half precision.
        torch.save(
            {"state_dict": {f"module.{k}": v.half() if v.is_floating_point() else v for k, v in state.items()}}, path
        )
    else:
        save_file(state, path)

    backbone, _ = build_backbone(SMALL, str(path))

    for name, parameter in backbone.named_parameters():
        assert parameter.dtype == torch.float32
        torch.testing.assert_close(parameter.data, state[name], rtol=1e-2, atol=1e-3)


def test_weights_with_another_number_of_classes_fit(tmp_path: Path) -> None:
    torch.save(torchvision.models.get_model(SMALL, num_classes=7).state_dict(), tmp_path / "w.pth")

    assert build_backbone(SMALL, str(tmp_path / "w.pth"))[1] == 1024


def test_weights_of_another_backbone_are_refused(tmp_path: Path) -> None:
    torch.save(torchvision.models.get_model("mnasnet0_5").state_dict(), tmp_path / "w.pth")

    with pytest.raises(CheckpointError, match=r"w\.pth: not weights of shufflenet_v2_x0_5: \d+ entries missing"):
        build_backbone(SMALL, str(tmp_path / "w.pth"))


class Payload:
    """Unpickled carelessly, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT)


@pytest.mark.parametrize("zipped", [True, False], ids=["torch.save", "pickle"])
def test_a_file_of_weights_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path, zipped: bool) -> None:
    path, trace = tmp_path / "w.pth", tmp_path / "trace"
    if zipped:
        torch.save({"weight": Payload(trace)}, path)
    else:
        path.write_bytes(pickle.dumps({"weight": Payload(trace)}, protocol=2))

    with pytest.raises(CheckpointError, match=r"w\.pth: not a readable file of weights"):
        read_state_dict(path)

    assert not trace.exists()
    with suppress(RuntimeError):  # torch finds no tensors in the bare pickle, after having run it
        torch.load(path, weights_only=False)
    assert trace.exists()


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_damaged_file_of_weights_is_an_error_that_names_it(tmp_path: Path, name: str) -> None:
    for content in (b"", b"not weights", b"\x80\x02"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match="not a readable file of weights"):
            read_state_dict(tmp_path / name)


def test_a_file_without_tensors_or_no_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    torch.save([1, 2, 3], tmp_path / "list.pth")

    with pytest.raises(CheckpointError, match=r"list\.pth: holds no tensors by name"):
        read_state_dict(tmp_path / "list.pth")
    with pytest.raises(AdaframeError, match=r"none\.pth: no such file of weights"):
        read_state_dict(tmp_path / "none.pth")


def test_shared_weights_learn_together_and_norms_alone() -> None:
    torch.manual_seed(0)
    source, _ = build_backbone("tiny-2", "none")
    twin = share_weights(source, norms_of_its_own=True)
    assert share_weights(source, norms_of_its_own=False) is source

    optimizer = torch.optim.SGD(twin.parameters(), lr=0.1)
    twin(torch.randn(4, 3, 16, 16)).square().sum().backward()
    before = {name: value.clone() for name, value in source.state_dict().items()}
    optimizer.step()

    for name, value in source.state_dict().items():
        moved = not torch.equal(value, before[name])
        assert moved == (value.ndim == 4), name

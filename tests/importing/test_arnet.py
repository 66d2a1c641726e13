"""AR-Net's checkpoints become adaframe's, and compute what its release computes."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import adaframe
from adaframe.errors import CheckpointError, UsageError
from adaframe.importing.arnet import import_arnet
from adaframe.model.network import Clips
from adaframe.video import read_clip

CLASSES = [f"class {i}" for i in range(5)]


def beside(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


release: Any = beside("arnet_release")


def write(path: Path, state: dict[str, Tensor], **more: Any) -> Path:
    torch.save(
        {"epoch": 3, "arch": "resnet50", "state_dict": {f"module.{k}": v for k, v in state.items()}, **more}, path
    )
    return path


def small_release(looks: list[str], *, efficient: bool = False, seed: int = 0) -> tuple[list[Any], dict[str, Tensor]]:
    """Networks as functions, and a state dict in the release's layout."""
    generator = torch.Generator().manual_seed(seed)
    widths = {"resnet18": 512, "resnet34": 512, "b0": 1280, "b1": 1280, "b3": 1536}
    glance = release.random_torchvision("mobilenet_v2", generator)
    state = {f"lite_backbone.{k}": v for k, v in glance.items()}
    state |= release.random_rest([widths[n] for n in looks], 1280, len(CLASSES), generator)
    features = []
    for i, name in enumerate(looks):
        make = release.random_efficientnet if efficient else release.random_torchvision
        own = make(name, generator)
        state |= {f"base_model_list.{i}.{k}": v for k, v in own.items()}
        features.append((release.efficientnet_features if efficient else release.torchvision_features)(name, own))
    return [*features, release.torchvision_features("mobilenet_v2", glance)], state


def close(scores: np.ndarray, expected: np.ndarray) -> None:
    """To the fourth decimal, or digit where random weights make scores large."""
    np.testing.assert_allclose(scores, expected, atol=1e-4 * max(1.0, float(np.abs(expected).max())), rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize(("looks", "efficient"), [(["resnet34", "resnet18"], False), (["b3", "b0"], True)])
@pytest.mark.parametrize("steps", [1, 9])
def test_an_imported_model_answers_as_the_release_does(
    tmp_path: Path, looks: list[str], efficient: bool, steps: int
) -> None:
    pixels = (224, 112, 84)
    features, state = small_release(looks, efficient=efficient)
    frames = release.coloured_frames(2, steps, torch.Generator().manual_seed(steps))
    with torch.no_grad():
        expected = release.forward(features, state, frames, pixels=pixels)

    import_arnet(write(tmp_path / "a.pth.tar", state), CLASSES, tmp_path / "a.safetensors", pixels=pixels)
    model = adaframe.load(tmp_path / "a.safetensors", device="cpu")
    answers = [model.classify_frames(video.numpy()) for video in frames]

    assert [a.decisions.actions[0].tolist() for a in answers] == expected.executed.tolist()
    close(np.stack([a.logits for a in answers]), expected.scores.numpy())
    assert steps == 1 or len(set(expected.executed.flatten().tolist())) >= 3  # else this would say little


@pytest.mark.parametrize("padding", ["same", "even"])
@pytest.mark.parametrize("variant", ["b1", "b3"])
def test_efficientnets_are_padded_as_they_were_trained(tmp_path: Path, variant: str, padding: str) -> None:
    generator = torch.Generator().manual_seed(0)
    own = release.random_efficientnet(variant, generator)
    state = {f"base_model.{k}": v for k, v in own.items()}
    width = own["_conv_head.weight"].shape[0]
    state |= {"new_fc.weight": torch.randn(5, width, generator=generator), "new_fc.bias": torch.zeros(5)}
    pictures = torch.randn(1, 3, 64, 64, generator=generator)
    expected = release.efficientnet_features(variant, own, always_even=padding == "even")(pictures)

    path = write(tmp_path / "e.pth.tar", state)
    imported = import_arnet(path, CLASSES, tmp_path / "e.safetensors", padding=padding)

    with torch.no_grad():
        close(imported.network.looks[0](pictures).numpy(), expected.numpy())


def test_all_that_the_release_routes_is_what_it_would_compute_densely(tmp_path: Path) -> None:
    _, state = small_release(["resnet34", "resnet18"])
    import_arnet(write(tmp_path / "a.pth.tar", state), CLASSES, tmp_path / "a.safetensors", pixels=(224, 168, 84))
    network = adaframe.load(tmp_path / "a.safetensors", device="cpu").network
    frames = release.coloured_frames(2, 6, torch.Generator().manual_seed(1))
    valid = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    clips = Clips(frames, valid, torch.arange(6.0).repeat(2, 1))

    with torch.inference_mode():
        routed, decisions = network.recognise(clips)
        every = network.all_features(clips)
        features = type(every)(network.answering(every.glance, decisions), every.looks)
        dense = network.classify(features, decisions.seen().float(), clips.times_s)

    close(routed.numpy(), dense.numpy())


def flat_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """MobileNetV2's names of before 2020."""
    first = {"0.0": "0", "0.1": "1", "1": "3", "2": "4"}
    others = {"0.0": "0", "0.1": "1", "1.0": "3", "1.1": "4", "2": "6", "3": "7"}
    out = {}
    for name, value in state.items():
        head, conv, rest = name.partition(".conv.")
        if conv and name.startswith("lite_backbone."):
            table = first if head.endswith("features.1") else others
            part = max((p for p in table if rest.startswith(f"{p}.")), key=len)
            name = f"{head}.conv.{table[part]}.{rest.removeprefix(part + '.')}"
        out[name] = value
    return out


@pytest.mark.parametrize("layout", ["flat", "old format", "optimiser"])
def test_every_layout_gives_the_same_model(tmp_path: Path, layout: str) -> None:
    _, state = small_release(["resnet18"])
    plain = import_arnet(write(tmp_path / "a.pth.tar", state), CLASSES, tmp_path / "a.safetensors", pixels=(112, 84))
    path = tmp_path / "b.pth.tar"
    if layout == "flat":
        write(path, flat_names(state))
    elif layout == "optimiser":
        write(path, state, optimizer={"param_groups": [{"lr": np.float64(0.001) * 5}]}, best_prec1=67.0)
    else:
        named = {f"module.{k}": v for k, v in state.items()}
        torch.save({"state_dict": named}, path, _use_new_zipfile_serialization=False)

    other = import_arnet(path, CLASSES, tmp_path / "b.safetensors", pixels=(112, 84))

    theirs = other.network.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in plain.network.state_dict().items())


def test_a_network_of_the_first_stage_becomes_a_uniform_model(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    own = release.random_torchvision("resnet18", generator)
    state = {f"base_model.{k}": v for k, v in own.items()}
    state |= {"new_fc.weight": torch.randn(5, 512, generator=generator), "new_fc.bias": torch.zeros(5)}
    frames = release.coloured_frames(1, 3, generator)

    import_arnet(write(tmp_path / "s.pth.tar", state), CLASSES, tmp_path / "s.safetensors")
    model = adaframe.load(tmp_path / "s.safetensors", device="cpu")

    assert model.metadata.plan == "uniform"
    pictures = ((frames[0].float() / 255 - release._MEAN) / release._STD).permute(0, 3, 1, 2)
    with torch.no_grad():
        small = torch.nn.functional.interpolate(pictures, size=(112, 112), mode="nearest")
        expected = (release.torchvision_features("resnet18", own)(small) @ state["new_fc.weight"].T).mean(dim=0)
    close(model.classify_frames(frames[0].numpy()).logits, expected.numpy())


def test_a_video_of_few_frames_shows_its_last_one_again(tmp_path: Path, render_clip: Any) -> None:
    features, state = small_release(["resnet18"])
    import_arnet(write(tmp_path / "a.pth.tar", state), CLASSES, tmp_path / "a.safetensors", pixels=(112, 84))
    model = adaframe.load(tmp_path / "a.safetensors", device="cpu")
    video = render_clip(tmp_path / "short.mp4", seconds=0.2)  # five frames
    frames = read_clip(model.metadata.request(str(video))).images

    answer = model.classify(video)

    assert [frame["index"] for frame in answer.frames] == [0, 1, 2, 3] + [4] * 12
    with torch.no_grad():
        expected = release.forward(features, state, torch.from_numpy(frames), pixels=(112, 84))
    assert answer.decisions.actions[0].tolist() == expected.executed[0].tolist()
    close(answer.logits[None], expected.scores.numpy())


class Evil:
    def __reduce__(self) -> Any:
        return os.mkdir, ("broken_into",)


def test_nothing_but_tensors_and_numbers_is_read_from_a_pickle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _, state = small_release(["resnet18"])
    path = write(tmp_path / "evil.pth.tar", state, optimizer=Evil())

    with pytest.raises(CheckpointError, match="not safe to read"):
        import_arnet(path, CLASSES, tmp_path / "a.safetensors")

    assert not (tmp_path / "broken_into").exists()
    assert not (tmp_path / "a.safetensors").exists()


def test_the_release_s_plain_network_in_a_policy_s_place_becomes_a_uniform_model(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    own = release.random_torchvision("resnet18", generator)
    # Exp. 2 of the release's full_test.sh: no looks, no actions, class scores from the policy network's 512 features.
    shapes = {
        "rnn.weight_ih": (2048, 512),
        "rnn.weight_hh": (2048, 256),
        "rnn.bias_ih": (2048,),
        "rnn.bias_hh": (2048,),
    }
    state = {f"lite_backbone.{k}": v for k, v in own.items()} | {k: torch.zeros(v) for k, v in shapes.items()}
    state |= {"linear.weight": torch.zeros(0, 512), "linear.bias": torch.zeros(0)}
    state |= {"lite_fc.weight": torch.randn(5, 512, generator=generator), "lite_fc.bias": torch.zeros(5)}
    frames = release.coloured_frames(1, 2, generator)

    import_arnet(write(tmp_path / "t.pth.tar", state), CLASSES, tmp_path / "t.safetensors", pixels=(224,))
    model = adaframe.load(tmp_path / "t.safetensors", device="cpu")

    pictures = ((frames[0].float() / 255 - release._MEAN) / release._STD).permute(0, 3, 1, 2)
    with torch.no_grad():
        features = release.torchvision_features("resnet18", own)(pictures)
    assert model.metadata.plan == "uniform"
    close(model.classify_frames(frames[0].numpy()).logits, (features @ state["lite_fc.weight"].T).mean(dim=0).numpy())


def test_a_policy_without_skips_is_imported(tmp_path: Path) -> None:
    _, state = small_release(["resnet18"])
    state["linear.weight"], state["linear.bias"] = state["linear.weight"][:2], state["linear.bias"][:2]
    path = write(tmp_path / "a.pth.tar", state)

    with pytest.raises(UsageError, match=r"has 2 actions: .* try: --skips none"):
        import_arnet(path, CLASSES, tmp_path / "a.safetensors", pixels=(112, 84))
    imported = import_arnet(path, CLASSES, tmp_path / "a.safetensors", pixels=(112, 84), skips=())

    assert imported.network.actions.names == ("look-112", "glance")


def without(prefix: str) -> Any:
    return lambda state: {k: v for k, v in state.items() if not k.startswith(prefix)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (without("lite_fc"), "lacks lite_fc"),
        (without("rnn."), "lacks rnn"),
        (without("rnn.weight_hh"), "lacks rnn.weight_hh"),
        (without("base_model_list.0.layer4.1.conv2"), "looks.0.layer4.1.conv2.weight"),
        (without("base_model_list.0.layer3"), "base_model_list.0: no backbone that is known"),
        (lambda state: {"some.weight": torch.zeros(2)}, "no checkpoint of AR-Net.*try: adaframe train --init"),
        (lambda state: {**state, "linear.weight": state["linear.weight"][:1]}, "baselines SCSampler and LSTM"),
        (lambda state: {**state, "linear.weight": torch.zeros(5, 1280)}, "baselines SCSampler and LSTM"),
        (lambda state: {**state, "linear.weight": torch.tensor(1.0)}, "linear.weight is no matrix"),
        (lambda state: {**state, "rnn.bias_hh": state["rnn.bias_hh"] / 0}, "1 tensors hold NaN.*policy.cell.bias_hh"),
    ],
)
def test_a_wrong_file_says_what_is_missing(tmp_path: Path, change: Any, says: str) -> None:
    _, state = small_release(["resnet18"])
    path = write(tmp_path / "a.pth.tar", change(state))

    with pytest.raises(CheckpointError, match=says):
        import_arnet(path, CLASSES, tmp_path / "a.safetensors", pixels=(112, 84))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"classes": CLASSES[:3]}, "has 5 classes, but 3 names"),
        ({"pixels": (224, 168, 84)}, "--pixels needs 2 numbers"),
        ({"skips": (1,)}, "try: --skips with 3 numbers"),
        ({"out": "a.pth.tar"}, "must end in .safetensors"),
    ],
)
def test_options_that_do_not_fit_the_file_are_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    _, state = small_release(["resnet18"])
    path = write(tmp_path / "a.pth.tar", state)
    wanted: dict[str, Any] = {"classes": CLASSES, "pixels": (112, 84), "out": "a.safetensors", **options}
    whole = path.read_bytes()

    with pytest.raises(UsageError, match=says):
        import_arnet(path, wanted.pop("classes"), tmp_path / wanted.pop("out"), **wanted)

    assert path.read_bytes() == whole


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The given checkpoint in the original's layout, and its cases."""
    folder = Path(os.environ.get("ADAFRAME_TEST_DATA", "")) / "arnet"
    if not os.environ.get("ADAFRAME_TEST_DATA") or not (folder / "make_checkpoint.py").is_file():
        pytest.skip("ADAFRAME_TEST_DATA names no folder with AR-Net's cases")
    sys.path.insert(0, str(folder))
    try:
        import make_checkpoint  # type: ignore[import-not-found]
        import make_frames  # type: ignore[import-not-found]
    finally:
        sys.path.remove(str(folder))
    out = tmp_path_factory.mktemp("arnet")
    make_checkpoint.write(out / "a.pth.tar")
    np.save(out / "frames.npy", make_frames.make_videos())
    import_arnet(out / "a.pth.tar", [f"class {i}" for i in range(200)], out / "a.safetensors")
    return out


@pytest.mark.slow
def test_the_given_cases_come_out_to_the_fourth_decimal(original: Path) -> None:
    cases = np.load(Path(os.environ["ADAFRAME_TEST_DATA"]) / "arnet" / "cases.npz")
    frames = np.load(original / "frames.npy")
    model = adaframe.load(original / "a.safetensors", device="cpu")

    answers = [model.classify_frames(video) for video in frames]

    executed = np.concatenate([a.decisions.actions.numpy() for a in answers])
    np.testing.assert_array_equal(executed, cases["argmax/executed"])
    np.testing.assert_allclose(np.stack([a.logits for a in answers]), cases["argmax/video_logits"], atol=1e-4)


@pytest.mark.slow
def test_given_actions_come_out_to_the_fourth_decimal(original: Path) -> None:
    cases = np.load(Path(os.environ["ADAFRAME_TEST_DATA"]) / "arnet" / "cases.npz")
    frames = torch.from_numpy(np.load(original / "frames.npy"))
    network = adaframe.load(original / "a.safetensors", device="cpu").network
    clips = Clips(frames, torch.ones(3, 16, dtype=torch.bool), torch.arange(16.0).repeat(3, 1))
    executed = torch.from_numpy(cases["given1/executed"].astype(np.int64))

    with torch.inference_mode():
        glances = network.glance_features(clips)
        decisions = network.decide(glances, clips.valid)
        decided = decided_of(cases["given1/executed"], network.actions.covers)
        given = type(decisions)(executed, decided, decisions.glanced, decisions.valid, decisions.of)
        scores = network.look(clips, glances, given)

    np.testing.assert_allclose(scores.numpy(), cases["given1/video_logits"], atol=1e-4)


def decided_of(executed: np.ndarray, covers: tuple[int, ...]) -> Tensor:
    """Where the policy decided: wherever no skip before covers the frame."""
    decided = torch.zeros(executed.shape, dtype=torch.bool)
    for video, actions in enumerate(executed):
        t = 0
        while t < len(actions):
            decided[video, t] = True
            t += covers[actions[t]]
    return decided

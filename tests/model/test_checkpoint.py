"""Checkpoints: what is saved is what is loaded, and nothing in a file is executed."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from adaframe.config import Model
from adaframe.errors import CheckpointError
from adaframe.model.checkpoint import load_matching, load_network, save_checkpoint
from adaframe.model.metadata import Metadata
from adaframe.model.network import Clips, Network

Build = Callable[..., Network]
Draw = Callable[..., Clips]


def about(network: Network, *, classes: int = 3) -> Metadata:
    return Metadata(
        model=network.model,
        plan=network.plan.name if network.plan else "adaptive",
        classes=tuple(f"class-{k}" for k in range(classes)),
        multi_label=False,
        costs=network.costs,
    )


@pytest.fixture
def shared(tiny: Model) -> Model:
    """The small look and the glance use the convolutions of the large look."""
    looks = (tiny.looks[0], replace(tiny.looks[1], shares="look-32"))
    return replace(tiny, looks=looks, glance=replace(tiny.glance, shares="look-32", answers=True))


@pytest.fixture
def saved(tmp_path: Path, make_network: Build) -> Path:
    network = make_network()
    save_checkpoint(tmp_path / "model.safetensors", network, about(network))
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("plan", ["adaptive", "uniform", "static:look-16/2", "glance"])
def test_a_loaded_network_gives_the_same_scores_and_decisions(
    tmp_path: Path, make_network: Build, make_clips: Draw, plan: str
) -> None:
    network, clips = make_network(plan=plan), make_clips(lengths=[8, 8, 5, 1])
    scores, decisions = network.recognise(clips)

    save_checkpoint(tmp_path / "m.safetensors", network, about(network))
    loaded, metadata = load_network(tmp_path / "m.safetensors")

    again, same = loaded.recognise(clips)
    torch.testing.assert_close(again, scores, rtol=0, atol=1e-6)
    assert torch.equal(same.actions, decisions.actions)
    assert metadata == about(network)
    assert loaded.costs == network.costs
    assert not loaded.training


def test_shared_weights_are_stored_once_and_still_shared_when_loaded(
    tmp_path: Path, make_network: Build, make_clips: Draw, shared: Model
) -> None:
    network, clips = make_network(shared), make_clips()
    assert network.glance is not None
    save_checkpoint(tmp_path / "m.safetensors", network, about(network))

    stored = load_file(tmp_path / "m.safetensors")
    loaded, _ = load_network(tmp_path / "m.safetensors")

    every = list(network.parameters()) + list(network.buffers())  # each once, however often it is used
    assert sum(t.numel() for t in stored.values()) == sum(t.numel() for t in every)
    assert "looks.0.0.weight" in stored
    assert not {"looks.1.0.weight", "glance.0.weight"} & set(stored)
    assert {"looks.1.1.weight", "glance.1.weight"} <= set(stored)
    assert loaded.looks[1].get_parameter("0.weight") is loaded.looks[0].get_parameter("0.weight")
    torch.testing.assert_close(loaded.recognise(clips)[0], network.recognise(clips)[0], rtol=0, atol=1e-6)


def test_half_precision_halves_the_file_and_loads_to_float32(
    tmp_path: Path, make_network: Build, make_clips: Draw
) -> None:
    network, clips = make_network(), make_clips()
    for half in (False, True):
        save_checkpoint(tmp_path / f"{half}.safetensors", network, about(network), half=half)

    loaded, _ = load_network(tmp_path / "True.safetensors")

    bytes_of = {h: sum(t.nbytes for t in load_file(tmp_path / f"{h}.safetensors").values()) for h in (False, True)}
    assert bytes_of[True] < 0.6 * bytes_of[False]
    assert {t.dtype for t in loaded.state_dict().values()} == {torch.float32, torch.int64}
    decisions = network.recognise(clips)[1]
    scores = [n.look(clips, n.glance_features(clips), decisions) for n in (network, loaded)]
    torch.testing.assert_close(scores[1], scores[0], rtol=0, atol=0.05)
    assert not torch.equal(scores[1], scores[0])


def test_what_half_precision_cannot_hold_stays_whole(tmp_path: Path, make_network: Build) -> None:
    network = make_network()
    with torch.no_grad():
        network.looks[0].get_buffer("1.running_var")[0] = 1e6

    save_checkpoint(tmp_path / "m.safetensors", network, about(network), half=True)

    assert float(load_network(tmp_path / "m.safetensors")[0].looks[0].get_buffer("1.running_var")[0]) == 1e6


def test_costs_are_those_stored(tmp_path: Path, make_network: Build) -> None:
    network = make_network()
    stored = replace(network.costs, head=123_456)

    save_checkpoint(tmp_path / "m.safetensors", network, replace(about(network), costs=stored))

    assert load_network(tmp_path / "m.safetensors")[0].costs == stored


def test_what_a_budget_counts_is_stored_beside_the_macs(tmp_path: Path, make_network: Build) -> None:
    network = make_network()
    prices = replace(network.costs, looks=(1.0, 5.0), counted="latency", by="a machine")

    save_checkpoint(tmp_path / "m.safetensors", network, replace(about(network), prices=prices))

    loaded = load_network(tmp_path / "m.safetensors")[0]
    assert (loaded.prices, loaded.costs) == (prices, network.costs)
    assert loaded.price == prices.price(network.actions)


def test_saving_leaves_the_network_as_it_was(tmp_path: Path, make_network: Build) -> None:
    network = make_network().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}

    save_checkpoint(tmp_path / "m.safetensors", network, about(network), half=True)

    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert os.listdir(tmp_path) == ["m.safetensors"]


class Payload:
    """Unpickled carelessly, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, int]]:
        return os.open, (str(self.path), os.O_CREAT)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5, "zip"])
def test_pickles_are_refused_and_not_executed(tmp_path: Path, make_network: Build, protocol: int | str) -> None:
    path, trace = tmp_path / "model.safetensors", tmp_path / "trace"
    if protocol == "zip":
        torch.save(Payload(trace), path)
    else:
        path.write_bytes(pickle.dumps(Payload(trace), protocol=int(protocol)))

    for use in (load_network, lambda p: load_matching(make_network(), p)):
        with pytest.raises(CheckpointError, match=r"model\.safetensors: a pickle or zip.*refused.*; try:"):
            use(path)

    assert not trace.exists()


def damage(path: Path, how: str) -> None:
    """Spoil a whole checkpoint."""
    content = path.read_bytes()
    header = int.from_bytes(content[:8], "little")
    if how == "gone":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "text":
        path.write_text("no checkpoint at all\n" * 50)
    elif how == "cut in the header":
        path.write_bytes(content[: header // 2])
    elif how == "cut in the tensors":
        path.write_bytes(content[:-100])
    elif how == "longer than it should be":
        path.write_bytes(content + b"x" * 100)
    elif how == "no metadata":
        save_file(load_file(path), path)
    elif how == "another version":
        path.write_bytes(content.replace(b"adaframe-1", b"adaframe-9"))


@pytest.mark.parametrize(
    "how",
    [
        "gone",
        "empty",
        "text",
        "cut in the header",
        "cut in the tensors",
        "longer than it should be",
        "no metadata",
        "another version",
    ],
)
def test_a_spoilt_checkpoint_is_an_error_that_names_the_file(saved: Path, make_network: Build, how: str) -> None:
    load_network(saved)

    damage(saved, how)

    for use in (load_network, lambda p: load_matching(make_network(), p)):
        with pytest.raises(CheckpointError) as error:
            use(saved)
        assert str(error.value).startswith(f"{saved}: ")
        assert "\n" not in str(error.value)


def test_missing_tensors_and_wrong_shapes_are_counted(tmp_path: Path, make_network: Build) -> None:
    path, network = tmp_path / "m.safetensors", make_network()
    save_checkpoint(path, network, about(network))
    tensors = load_file(path)
    del tensors["head.classify.bias"], tensors["policy.logits.weight"]
    tensors["head.gap"] = torch.zeros(1)
    save_file(tensors, path, metadata={"adaframe": about(network).to_json()})

    with pytest.raises(CheckpointError, match=r"m\.safetensors: damaged: 2 tensors missing, 1 of another shape"):
        load_network(path)

    tensors["head.gap"] = network.state_dict()["head.gap"]
    save_file(tensors, path, metadata={"adaframe": about(network).to_json()})
    with pytest.raises(CheckpointError, match=r"2 tensors missing, 0 of another shape"):
        load_network(path)


def test_a_model_that_cannot_be_built_here_is_said(tmp_path: Path, make_network: Build) -> None:
    network, path = make_network(), tmp_path / "m.safetensors"
    future = replace(network.model, glance=replace(network.model.glance, backbone="convnext_v9"))
    save_checkpoint(path, network, replace(about(network), model=future))

    with pytest.raises(CheckpointError, match=r"m\.safetensors: .*convnext_v9 is not known"):
        load_network(path)


def test_another_number_of_classes_takes_all_but_the_last_layer(saved: Path, make_network: Build) -> None:
    network = make_network(seed=1, classes=5)
    before = network.head.classify.weight.clone()

    taken, of = load_matching(network, saved)

    stored = load_file(saved)
    for name, value in network.state_dict().items():
        if not name.startswith("head.classify"):
            assert torch.equal(value, stored[name]), name
    assert torch.equal(network.head.classify.weight, before)
    assert taken == of - 2


def test_a_checkpoint_of_which_nothing_fits_is_refused(tmp_path: Path, saved: Path, make_network: Build) -> None:
    save_file({"x": torch.zeros(3)}, tmp_path / "m.safetensors", metadata={"adaframe": about(make_network()).to_json()})

    with pytest.raises(CheckpointError, match=r"m\.safetensors: none of its tensors fits"):
        load_matching(make_network(), tmp_path / "m.safetensors")

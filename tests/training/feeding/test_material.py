"""What a run trains on: clips that cannot be read, the cache, and when frozen features are used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from adaframe.config import Config
from adaframe.errors import DataError
from adaframe.training.feeding.material import Material, learnable, load_material, use_frozen_features
from adaframe.training.fit import fit
from adaframe.training.start import build_network

MakeConfig = Callable[..., Config]
MakeFolder = Callable[..., Path]


def load(config: Config, out: Path) -> Material:
    return load_material(config, learnable(config), out)


def spoil(root: Path, *names: str) -> None:
    for name in names:
        (root / name).write_bytes(b"this is no video" * 100)


@pytest.mark.parametrize("cache", ["auto", ""])
def test_a_bad_clip_is_named_listed_and_left_out_and_training_goes_on(
    make_config: MakeConfig, make_folder: MakeFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str], cache: str
) -> None:
    root, out = make_folder(tmp_path / "data", clips=14), tmp_path / "out"
    spoil(root, "red/03.mp4")

    fit(make_config(**{"data.root": str(root), "data.cache": cache}), out=out)

    bad = str(root / "red/03.mp4")
    lines = (out / "bad_clips.txt").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines] == [bad]
    assert lines[0].split("\t")[1]
    said = capsys.readouterr().err
    assert said.count(f"left out: {bad}: ") == 1
    assert f"1 of 14 clips cannot be read; all are listed in {out / 'bad_clips.txt'}" in said
    assert (out / "model.safetensors").is_file()
    assert len((out / "metrics.csv").read_text().splitlines()) == 4


@pytest.mark.parametrize("cache", ["auto", ""])
def test_more_than_a_fifth_of_bad_clips_stop_the_run(
    make_config: MakeConfig, make_folder: MakeFolder, tmp_path: Path, cache: str
) -> None:
    root, out = make_folder(tmp_path / "data", clips=12), tmp_path / "out"
    spoil(root, "red/03.mp4", "red/05.mp4", "blue/06.mp4")

    with pytest.raises(DataError, match=r"3 of 12 clips cannot be read \(more than 20%\); see .*bad_clips.txt"):
        fit(make_config(**{"data.root": str(root), "data.cache": cache}), out=out)

    assert len((out / "bad_clips.txt").read_text().splitlines()) == 3
    assert not (out / "model.safetensors").exists()


def test_a_fifth_of_bad_clips_is_still_borne(make_config: MakeConfig, make_folder: MakeFolder, tmp_path: Path) -> None:
    root = make_folder(tmp_path / "data", clips=10)
    spoil(root, "red/03.mp4", "blue/06.mp4")

    with load(make_config(**{"data.root": str(root)}), tmp_path) as material:
        assert {material.data_set.clips[n].path for n in material.bad} == {
            str(root / "red/03.mp4"),
            str(root / "blue/06.mp4"),
        }
        assert len(material.readable) == 8


def test_no_list_is_left_where_all_clips_are_good(trained: Path) -> None:
    assert not (trained / "bad_clips.txt").exists()


def test_targets_tell_the_labels_of_each_clip(make_config: MakeConfig, tmp_path: Path) -> None:
    with load(make_config(), tmp_path) as material:
        labels = [material.data_set.classes[n] for n in material.targets.argmax(axis=1)]

    assert labels == [clip.labels[0] for clip in material.data_set.clips]
    assert material.targets.sum() == len(labels)


def test_a_cache_that_would_be_too_large_is_not_built_and_that_is_said(
    make_config: MakeConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with load(make_config(**{"data.cache": "auto", "data.cache_gb": 1e-6}), tmp_path) as material:
        assert material.cache is None
        assert material.pool is not None

    assert "decoded frames would take more than data.cache_gb 1e-06: decoding anew" in capsys.readouterr().err


def test_parts_of_files_are_read_where_they_are(
    make_config: MakeConfig, make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    """One file, blue for a second and red for another, is a clip of each."""
    for n, colour in enumerate(["blue", "red"]):
        make_clip(tmp_path / f"{n}.mp4", colour, n, frames=16)
    (tmp_path / "clips.csv").write_text(
        "path,label,start_s,end_s\n0.mp4,a,0,1\n0.mp4,b,1,2\n1.mp4,a,0,1\n1.mp4,b,1,2\n"
    )
    config = make_config(**{"data.root": "", "data.manifest": str(tmp_path / "clips.csv")})

    with load(config, tmp_path) as material:
        assert material.cache is not None
        times_s = [material.cache.times_s(n) for n in range(4)]

    assert all(t.min() >= 0 and t.max() < 1 for t in times_s[::2])
    assert all(t.min() >= 1 and t.max() < 2 for t in times_s[1::2])


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Random weights of a MobileNetV2, in a file; its norms know pictures, or all features would be zero."""
    from torchvision.models import mobilenet_v2

    torch.manual_seed(3)
    network = mobilenet_v2(weights=None)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    patches = torch.randn(32, 3, 4, 4).repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
    with torch.no_grad():
        network(patches)
    path = tmp_path_factory.mktemp("weights") / "mobilenet.pth"
    torch.save(network.state_dict(), path)
    return str(path)


def pretrained(weights: str, **changes: Any) -> dict[str, Any]:
    from adaframe.config import Glance, Look

    return {
        "model.glance": Glance(16, "mobilenet_v2", weights),
        "model.looks": (Look("look-32", 32, "mobilenet_v2", weights),),
        "train.trainable": "none",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "used"),
    [
        ({}, True),
        ({"data.flip": False}, True),
        ({"train.trainable": "last"}, False),
        ({"data.scale": 0.8}, False),
        ({"data.jitter": 0.1}, False),
        ({"data.cache": ""}, False),
        ({"model.preprocess.resize": 36}, False),
    ],
)
def test_frozen_features_are_used_only_where_nothing_but_mirroring_changes_a_frame(
    make_config: MakeConfig, weights: str, tmp_path: Path, changes: dict[str, Any], used: bool
) -> None:
    config = make_config(**pretrained(weights, **changes))
    network = build_network(config, 2)

    with load(config, tmp_path) as material:
        use_frozen_features(material, network)

        assert (material.features is not None) == used


def test_networks_from_scratch_are_never_frozen(make_config: MakeConfig, tmp_path: Path) -> None:
    config = make_config(**{"train.trainable": "none"})

    with load(config, tmp_path) as material:
        use_frozen_features(material, build_network(config, 2))

        assert material.features is None


@pytest.mark.parametrize(("fit_how", "used"), [("crop", False), ("squash", True)])
def test_frozen_features_need_square_pictures_unless_they_are_squashed(
    make_config: MakeConfig, make_clip: Callable[..., Path], weights: str, tmp_path: Path, fit_how: str, used: bool
) -> None:
    for n in range(4):
        colour = ("blue", "red")[n % 2]
        make_clip(tmp_path / colour / f"{n}.mp4", colour, n, size=(32, 48))
    config = make_config(**pretrained(weights, **{"data.root": str(tmp_path), "model.preprocess.fit": fit_how}))

    with load(config, tmp_path) as material:
        use_frozen_features(material, build_network(config, 2))

        assert (material.features is not None) == used


def test_samples_of_frozen_features_are_the_features_of_the_cached_frames(
    make_config: MakeConfig, make_recogniser: Callable[..., Any], weights: str, tmp_path: Path
) -> None:
    config = make_config(**pretrained(weights))
    network = build_network(config, 2)
    module = make_recogniser(network.eval(), **pretrained(weights))
    # Scores of different clips must differ, or this would prove nothing.
    with torch.no_grad():
        network.policy.logits.weight.normal_(0, 20)  # type: ignore[union-attr]
        network.head.classify.weight.normal_(0, 2)

    with load(config, tmp_path) as material:
        use_frozen_features(material, network)
        learnt, actions, mirrored = [], set(), 0
        for epoch in range(3):
            from_features, from_frames = (
                list(material.batches(network, material.readable, seed=(0, epoch), frozen=frozen))
                for frozen in (True, False)
            )
            centre = {
                int(n): c
                for b in material.batches(network, material.readable, frozen=False)
                for n, c in zip(b.clips, b.crops, strict=True)
            }  # type: ignore[arg-type]
            for a, b in zip(from_features, from_frames, strict=True):
                assert a.crops is None
                assert b.features is None
                assert torch.equal(a.clips, b.clips)
                assert torch.equal(a.valid, b.valid)
                assert torch.equal(a.times_s, b.times_s)
                with torch.no_grad():
                    (scores, decisions), (expected, also) = module.recognise(a), module.recognise(b)
                torch.testing.assert_close(scores, expected, atol=0.02, rtol=0.01)  # features are kept as fp16
                assert torch.equal(decisions.actions, also.actions)
                learnt.append(scores)
                actions |= set(decisions.actions.flatten().tolist())
                mirrored += sum(int(not torch.equal(c, centre[int(n)])) for n, c in zip(b.clips, b.crops, strict=True))  # type: ignore[arg-type]

    assert float(torch.cat(learnt).std(dim=0).min()) > 0.1
    assert len(actions) > 1
    assert mirrored > 5


def test_a_baseline_uses_the_same_frozen_features(
    make_config: MakeConfig, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    adaptive = make_config(**pretrained(weights, **{"data.cache": str(tmp_path / "cache")}))

    fit(adaptive, out=tmp_path / "adaptive")
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("features-*")}
    fit(
        make_config(**pretrained(weights, policy="uniform", **{"data.cache": str(tmp_path / "cache")})),
        out=tmp_path / "uniform",
    )

    assert len(kept) == 1
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("features-*")} == kept
    assert (tmp_path / "uniform" / "model.safetensors").is_file()


@pytest.mark.parametrize("policy", ["random:look-32/2", "change:look-32/2"])
def test_a_rule_takes_the_same_frames_from_frozen_features_as_from_pictures(
    make_config: MakeConfig, make_recogniser: Callable[..., Any], weights: str, tmp_path: Path, policy: str
) -> None:
    config = make_config(**pretrained(weights, policy=policy))
    module = make_recogniser(build_network(config, 2).eval(), policy=policy)
    network = module.network
    taken = {}

    with load(config, tmp_path) as material, torch.no_grad():
        use_frozen_features(material, build_network(replace(config, policy="adaptive"), 2))
        for seed in (None, (0, 0), (0, 1)):
            from_features, from_frames = (
                list(material.batches(network, material.readable, seed=seed, frozen=frozen)) for frozen in (True, False)
            )
            actions = [module.recognise(batch)[1].actions for batch in from_features]
            assert all(batch.crops is None for batch in from_features)
            for found, batch in zip(actions, from_frames, strict=True):
                assert torch.equal(found, module.recognise(batch)[1].actions)
                if seed is None:  # as a file is answered
                    assert torch.equal(found, network.recognise(batch.as_clips())[1].actions)
            order = torch.cat([batch.clips for batch in from_features]).argsort()
            taken[seed] = torch.cat(actions)[order]

    assert all((actions == 0).sum(dim=1).tolist() == [2] * len(actions) for actions in taken.values())
    if policy.startswith("random"):  # drawn anew in each epoch, and for each clip
        assert not torch.equal(taken[0, 0], taken[0, 1])
        assert len(taken[None].unique(dim=0)) > 1


def test_features_are_computed_anew_when_something_that_makes_them_changes(
    make_config: MakeConfig, make_folder: MakeFolder, weights: str, tmp_path: Path
) -> None:
    from adaframe.config import Look

    root = make_folder(tmp_path / "data", clips=3)
    base = pretrained(weights, **{"data.root": str(root), "data.cache": str(tmp_path / "cache")})
    renamed = {**base, "model.looks": (Look("big", 32, "mobilenet_v2", weights),)}
    smaller = {**base, "model.looks": (Look("look-32", 24, "mobilenet_v2", weights),)}
    values = []
    for changes in (base, renamed, smaller, {**base, "data.flip": False}, base):
        config = make_config(**changes)
        network = build_network(config, 2)
        with load(config, tmp_path) as material:
            use_frozen_features(material, network)
            (batch,) = list(material.batches(network, [0]))
            assert batch.features is not None
            values.append(batch.features.looks[0].numpy())

    assert len(list((tmp_path / "cache").rglob("features-*"))) == 4
    np.testing.assert_array_equal(values[0], values[1])
    assert not np.array_equal(values[0], values[2])
    np.testing.assert_array_equal(values[0], values[4])

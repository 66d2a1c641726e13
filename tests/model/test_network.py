"""The way of a video through the model: what is skipped does not count, and every way of computing it agrees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adaframe.config import Glance, Look, Model
from adaframe.errors import UsageError
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips, Features, Network
from adaframe.model.policy import Choice

Build = Callable[..., Network]
Draw = Callable[..., Clips]
Decide = Callable[..., Decisions]
Joint = Callable[..., tuple[Tensor, Choice, Tensor]]
LENGTHS = [8, 8, 7, 5, 2, 1]


def test_routed_and_dense_ways_agree_on_decisions_written_by_hand(
    make_network: Build, make_clips: Draw, make_decisions: Decide
) -> None:
    network, clips = make_network(), make_clips(videos=2, frames=5)
    decisions = make_decisions(
        network.actions, "look-32 skip-2 skip-2 look-16 look-32", "glance look-16 glance skip-1 look-16"
    )

    with torch.no_grad():
        routed = network.look(clips, network.glance_features(clips), decisions)
        dense = network.classify(network.all_features(clips), decisions.seen().float(), clips.times_s)

    torch.testing.assert_close(routed, dense, rtol=0, atol=1e-4)


@pytest.mark.parametrize("strength", [50.0, 1e6])
def test_a_video_is_never_wholly_skipped(
    run_joint: Joint, make_network: Build, make_clips: Draw, strength: float
) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)
    bias = torch.zeros(6, len(network.actions))
    bias[:, len(network.actions.sources) :] = strength

    _, decisions = network.recognise(clips, bias=bias)
    sampled = run_joint(network, clips, bias=bias)[1].decisions

    assert decisions.seen().sum(dim=(1, 2)).tolist() == [1] * 6
    assert sampled.seen().sum(dim=(1, 2)).tolist() == [1] * 6


def test_skipped_frames_do_not_change_the_prediction(
    make_network: Build, make_clips: Draw, make_decisions: Decide
) -> None:
    network, clips, others = make_network(), make_clips(videos=2, frames=5), make_clips(videos=2, frames=5, seed=1)
    decisions = make_decisions(
        network.actions, "look-32 skip-2 skip-2 glance skip-1", "look-16 skip-1 look-16 look-32 glance"
    )
    skipped = ~decisions.seen().any(dim=2)
    changed = replace(clips, crops=torch.where(skipped[..., None, None, None], others.crops, clips.crops))

    before, after = (network.look(c, network.glance_features(c), decisions) for c in (clips, changed))
    elsewhere = network.look(others, network.glance_features(others), decisions)

    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    assert (elsewhere - before).abs().min() > 1e-3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_covered_frames_change_neither_decisions_nor_scores(make_network: Build, make_clips: Draw, seed: int) -> None:
    network, clips = make_network(seed=seed), make_clips(videos=8)
    before, decisions = network.recognise(clips)
    covered = ~decisions.decided
    assert covered.sum() > 4
    other = make_clips(videos=8, seed=7)

    crops = torch.where(covered[..., None, None, None], other.crops, clips.crops)
    after, again = network.recognise(replace(clips, crops=crops))

    assert torch.equal(again.actions, decisions.actions)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)


def test_frames_at_invalid_positions_influence_nothing(run_joint: Joint, make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)
    other = make_clips(videos=6, seed=7)
    crops = torch.where(clips.valid[..., None, None, None], clips.crops, other.crops)
    times_s = torch.where(clips.valid, clips.times_s, -3.0)
    changed = Clips(crops, clips.valid, times_s)

    before, decisions = network.recognise(clips)
    after, again = network.recognise(changed)
    joint_before, joint_after = run_joint(network, clips)[0], run_joint(network, changed)[0]

    assert torch.equal(again.actions, decisions.actions)
    torch.testing.assert_close(after, before, rtol=0, atol=1e-5)
    torch.testing.assert_close(joint_after, joint_before, rtol=0, atol=1e-5)


def test_a_padded_clip_alone_or_among_others_is_recognised_alike(make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)

    together, decisions = network.recognise(clips)

    for b, length in enumerate(LENGTHS):
        cut = Clips(*(x[b : b + 1, :length] for x in (clips.crops, clips.valid, clips.times_s)))
        alone, own = network.recognise(cut)
        assert torch.equal(own.actions[0], decisions.actions[b, :length])
        torch.testing.assert_close(alone[0], together[b], rtol=0, atol=1e-4)


def test_recognition_repeats_exactly(make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)

    (first, decided), (second, again) = network.recognise(clips), network.recognise(clips)

    assert torch.equal(first, second)
    assert torch.equal(decided.actions, again.actions)


def test_many_small_passes_give_what_one_gives(
    make_network: Build, make_clips: Draw, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, clips = make_network(), make_clips(videos=6, lengths=LENGTHS)
    with torch.no_grad():
        expected, decisions = network.recognise(clips)
    batches = []
    network.looks[1].register_forward_hook(lambda _m, inputs, _out: batches.append(len(inputs[0])))

    monkeypatch.setattr("adaframe.model.passes.FRAMES_PER_PASS", 2)
    monkeypatch.setattr("adaframe.model.passes.PIXELS_PER_PASS", 2 * 16**2)
    with torch.no_grad():
        scores, again = network.recognise(clips)

    assert len(batches) > 1
    assert max(batches) <= 3  # below twice what is asked for
    assert torch.equal(again.actions, decisions.actions)
    torch.testing.assert_close(scores, expected, rtol=0, atol=1e-4)


def test_fused_it_recognises_alike(make_network: Build, make_clips: Draw, tiny: Model) -> None:
    # One look of its own; one with the other's convolutions and norms of its own.
    looks = (tiny.looks[0], replace(tiny.looks[1], shares="look-32"))
    network, clips = make_network(replace(tiny, looks=looks)), make_clips(videos=6, lengths=LENGTHS)
    scores, decisions = network.recognise(clips)

    with torch.no_grad():
        fused, again = network.fuse().recognise(clips)

    assert not any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules())
    assert torch.equal(again.actions, decisions.actions)
    torch.testing.assert_close(fused, scores, rtol=0, atol=1e-3)


def test_only_chosen_frames_are_computed(make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(seed=4), make_clips(videos=6, lengths=LENGTHS)
    assert network.glance is not None
    computed: dict[str, int] = {}
    for name, module in (("look-32", network.looks[0]), ("look-16", network.looks[1]), ("glance", network.glance)):
        module.register_forward_hook(
            lambda _m, inputs, _out, name=name: computed.update({name: computed.get(name, 0) + len(inputs[0])})
        )

    _, decisions = network.recognise(clips)

    frames = decisions.shares()
    assert computed["glance"] == sum(LENGTHS)
    assert {n: computed.get(n, 0) for n in ("look-32", "look-16")} == {
        n: round(frames[n] * sum(LENGTHS)) for n in ("look-32", "look-16")
    }
    assert 0 < computed["look-16"] < sum(LENGTHS)


def test_a_still_video_scores_alike_however_often_a_look_sees_it(
    make_network: Build, make_clips: Draw, make_decisions: Decide
) -> None:
    network, clips = make_network(), make_clips(videos=1, frames=4)
    still = replace(clips, crops=clips.crops[:, :1].expand(-1, 4, -1, -1, -1))

    often, once, moving = (
        network.look(c, network.glance_features(c), make_decisions(network.actions, actions))
        for c, actions in (
            (still, "look-16 look-16 look-16 look-16"),
            (still, "look-16 skip-1 skip-2 skip-2"),
            (clips, "look-16 look-16 look-16 look-16"),
        )
    )

    torch.testing.assert_close(often, once, rtol=0, atol=1e-4)
    assert (moving - once).abs().max() > 1e-2


def test_all_ways_run_under_autocast(
    run_joint: Joint, make_network: Build, make_clips: Draw, make_decisions: Decide
) -> None:
    network, clips = make_network(), make_clips(videos=2, frames=3)
    # Nobody looks at 16 pixels: its features are not computed, and must still fit beside the others'.
    decisions = make_decisions(network.actions, "look-32 skip-1 glance", "look-32 look-32 skip-1")
    exact = network.look(clips, network.glance_features(clips), decisions)

    with torch.autocast("cpu", torch.bfloat16):
        routed = network.look(clips, network.glance_features(clips), decisions)
        scores, choice, _ = run_joint(network, clips)
        torch.nn.functional.cross_entropy(scores, torch.tensor([0, 1])).backward()

    torch.testing.assert_close(routed.float(), exact, rtol=0.1, atol=0.3)
    assert scores.isfinite().all()
    assert choice.one_hot.dtype == torch.float32


def test_in_training_dropout_works_on_the_scores_alone(make_network: Build, make_clips: Draw) -> None:
    network, clips = make_network(), make_clips(videos=2)
    network.head.train()

    first, second = network.recognise(clips), network.recognise(clips)

    assert not torch.equal(first[0], second[0])
    assert torch.equal(first[1].actions, second[1].actions)


@pytest.mark.parametrize(
    ("plan", "sources"), [("uniform", ("look-32",)), ("static:look-16/4", ("look-16",)), ("glance", ("glance",))]
)
def test_a_fixed_plan_builds_only_what_it_needs(
    make_network: Build, make_clips: Draw, plan: str, sources: tuple[str, ...]
) -> None:
    network, clips = make_network(plan=plan), make_clips(videos=3, lengths=[8, 3, 1])

    scores, decisions = network.recognise(clips)

    assert network.actions.sources == sources
    assert network.policy is None
    assert (network.glance is None) == (plan != "glance")
    assert decisions.seen().any(dim=2).any(dim=1).all()
    assert scores.shape == (3, 3)


def test_looks_that_share_pretrained_weights_are_one_module(tiny: Model) -> None:
    looks = (
        Look("look-64", 64, "shufflenet_v2_x0_5", "torchvision"),
        Look("look-32", 32, "shufflenet_v2_x0_5", "torchvision", shares="look-64"),
    )
    glance = Glance(32, "shufflenet_v2_x0_5", "torchvision", shares="look-32")

    network = Network(replace(tiny, looks=looks, glance=glance), classes=2, pretrained=False)

    assert network.looks[0] is network.looks[1]
    assert network.looks[0] is network.glance


def test_looks_that_share_weights_from_scratch_have_norms_of_their_own(make_network: Build, tiny: Model) -> None:
    looks = (tiny.looks[0], replace(tiny.looks[1], shares="look-32"))
    network = make_network(replace(tiny, looks=looks, glance=replace(tiny.glance, shares="look-16")))
    assert network.glance is not None
    parts = [*network.looks, network.glance]

    for i in (1, 2):
        for name, parameter in parts[i].named_parameters():
            own = isinstance(parts[i].get_submodule(name.rpartition(".")[0]), torch.nn.BatchNorm2d)
            assert (parameter is parts[0].get_parameter(name)) != own, name
        for name, buffer in parts[i].named_buffers():
            assert buffer is not parts[0].get_buffer(name), name


def test_a_standardising_head_is_set_from_the_valid_frames(make_network: Build, make_clips: Draw, tiny: Model) -> None:
    network = make_network(replace(tiny, head=replace(tiny.head, width=0)))
    clips = make_clips(videos=6, lengths=LENGTHS)
    with torch.no_grad():
        features = network.all_features(clips)

    network.standardise(features, clips.valid, clips.times_s)

    assert features.glance is not None
    standardised = [
        project(values[clips.valid])
        for project, values in zip(network.head.project, (*features.looks, features.glance), strict=True)
    ]
    # Averages and changes are brought to one scale too: over all clips, each seen wholly by one source.
    summaries = []
    for i in range(3):
        seen = torch.nn.functional.one_hot(torch.full((6, 8), i), 3) * clips.valid[..., None].float()
        summaries.append(network.head.summary(network.head.run(network.project(features, seen), seen, clips.times_s)))
    standardised.append(network.head.scale(torch.cat(summaries)))
    for out in standardised:
        torch.testing.assert_close(out.mean(dim=0), torch.zeros(out.shape[1]), rtol=0, atol=1e-4)
        assert out.std(dim=0, correction=0).max().item() == pytest.approx(1.0, abs=1e-4)


def test_a_head_without_projection_needs_backbones_of_one_width(tiny: Model) -> None:
    looks = (tiny.looks[0], replace(tiny.looks[1], backbone="tiny-3"))

    with pytest.raises(UsageError, match=r"head.width 0 needs backbones of one width; these have \[16, 24\]"):
        Network(replace(tiny, looks=looks, head=replace(tiny.head, width=0)), classes=2)


def test_a_backbone_that_cannot_run_at_its_pixels_is_said(tiny: Model) -> None:
    looks = (Look("look-16", 16, "alexnet", "none"),)

    with pytest.raises(UsageError, match="look-16: its backbone does not run at 16 pixels"):
        Network(replace(tiny, looks=looks), classes=2)


def test_features_of_a_look_that_nobody_chose_are_zeros(
    make_network: Build, make_clips: Draw, make_decisions: Decide
) -> None:
    network, clips = make_network(), make_clips(videos=1, frames=2)

    features: Features = network.routed_features(clips, None, make_decisions(network.actions, "look-16 skip-1"))

    assert torch.equal(features.looks[0], torch.zeros(1, 2, 16))
    assert features.looks[1][0, 0].abs().sum() > 0
    assert features.looks[1][0, 1].abs().sum() == 0

"""Glance features -> decisions."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from adaframe.model.actions import Actions
from adaframe.model.policy import LITTLE, Choice, Policy

ACTIONS = Actions(looks=("big", "small"), glance_answers=True, skips=(1, 2, 4))
SOURCES = len(ACTIONS.sources)
FEATURES = 5


@pytest.fixture(params=[False, True], ids=["", "changes"])
def policy(request: pytest.FixtureRequest) -> Policy:
    """A policy with opinions, which differ from frame to frame."""
    torch.manual_seed(0)
    policy = Policy(features=FEATURES, project=6, hidden=6, actions=ACTIONS, changes=request.param)
    torch.nn.init.normal_(policy.cell.weight_ih, std=2)
    torch.nn.init.normal_(policy.logits.weight, std=5)
    return policy


def glances(videos: int, frames: int, seed: int = 0) -> Tensor:
    return torch.randn(videos, frames, FEATURES, generator=torch.Generator().manual_seed(seed))


def lengths(*frames: int, of: int) -> Tensor:
    return torch.arange(of) < torch.tensor(frames)[:, None]


def everywhere(videos: int, frames: int) -> Tensor:
    return torch.ones(videos, frames, dtype=torch.bool)


def towards(action: str, strength: float, videos: int = 1) -> Tensor:
    bias = torch.zeros(videos, len(ACTIONS))
    bias[:, ACTIONS.names.index(action)] = strength
    return bias


def sampled(policy: Policy, seen: Tensor, valid: Tensor, seed: int = 1, **options: object) -> Choice:
    generator = torch.Generator().manual_seed(seed)
    options = {"temperature": 1.0, **options}
    return policy.decide(seen, valid, generator=generator, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("strength", [50.0, 1e6])
@pytest.mark.parametrize("skip", ["skip-1", "skip-2", "skip-4"])
def test_a_video_is_never_wholly_skipped(policy: Policy, skip: str, strength: float) -> None:
    seen, valid = glances(8, 5), lengths(1, 2, 3, 4, 5, 5, 5, 5, of=5)
    bias = towards(skip, strength, videos=8)

    for choice in (policy.decide(seen, valid, bias=bias), sampled(policy, seen, valid, bias=bias)):
        assert bool((choice.decisions.actions[:, 0] < SOURCES).all())
        assert choice.decisions.names(4)[1:] == ["skip"] * 4


def test_a_share_of_a_batch_gets_the_noise_that_it_would_get_in_the_whole(policy: Policy) -> None:
    seen, valid = glances(5, 6), lengths(6, 6, 2, 5, 6, of=6)
    whole = sampled(policy, seen, valid)

    shares = [sampled(policy, seen[a:b], valid[a:b], among=(a, 5)) for a, b in ((0, 2), (2, 5))]

    assert torch.equal(torch.cat([share.one_hot for share in shares]), whole.one_hot)
    assert torch.equal(torch.cat([share.decisions.actions for share in shares]), whole.decisions.actions)


def test_a_skip_covers_its_successors_and_is_cut_at_the_end(policy: Policy) -> None:
    choice = policy.decide(glances(2, 7), lengths(7, 4, of=7), bias=towards("skip-4", 1e6, videos=2))

    skip = ACTIONS.names.index("skip-4")
    assert choice.decisions.actions[0, 1:].tolist() == [skip] * 6
    assert choice.decisions.decided.tolist() == [
        [True, True, False, False, False, True, False],
        [True, True, False, False, False, False, False],
    ]
    assert choice.decisions.actions[1].tolist()[1:] == [skip] * 3 + [0] * 3


def test_a_skip_of_one_leaves_out_one_frame(policy: Policy) -> None:
    choice = policy.decide(glances(1, 4), everywhere(1, 4), bias=towards("skip-1", 1e6))

    assert choice.decisions.decided.all()


@pytest.mark.parametrize("temperature", [0.05, 0.5, 5.0])
def test_one_hots_are_exactly_one_hot_and_zero_where_invalid(policy: Policy, temperature: float) -> None:
    valid = lengths(8, 5, 1, of=8)

    choice = sampled(policy, glances(3, 8), valid, temperature=temperature)

    assert set(choice.one_hot.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(choice.one_hot.sum(dim=2), valid.float())
    assert torch.equal(choice.one_hot.argmax(dim=2)[valid], choice.decisions.actions[valid])


def test_covered_frames_repeat_the_one_hot_of_their_decider_and_send_it_their_gradient(policy: Policy) -> None:
    seen = glances(1, 6).requires_grad_()
    weight = torch.arange(1.0, len(ACTIONS) + 1)
    one_hot = sampled(policy, seen, everywhere(1, 6), bias=towards("skip-4", 100.0), temperature=50.0).one_hot
    assert one_hot.argmax(dim=2)[0, 1:5].tolist() == [ACTIONS.names.index("skip-4")] * 4

    of_decider, of_covered = (
        torch.autograd.grad((one_hot[0, t] * weight).sum(), seen, retain_graph=True) for t in (1, 4)
    )

    torch.testing.assert_close(of_covered[0], of_decider[0], rtol=0, atol=0)
    assert of_decider[0][0, 1].abs().sum() > 0
    assert of_decider[0][0, 2:].abs().sum() == 0


def test_glances_of_covered_frames_influence_nothing(policy: Policy) -> None:
    seen, valid = glances(16, 8), everywhere(16, 8)
    before = policy.decide(seen, valid)
    covered = ~before.decisions.decided
    assert covered.any()
    assert before.decisions.decided[:, 3:].any()

    seen[covered] = glances(16, 8, seed=9)[covered]

    after = policy.decide(seen, valid)
    assert torch.equal(after.decisions.actions, before.decisions.actions)
    assert torch.equal(after.one_hot, before.one_hot)


def test_what_stands_at_invalid_frames_influences_nothing(policy: Policy) -> None:
    seen, valid = glances(3, 8), lengths(8, 4, 1, of=8)
    before = sampled(policy, seen, valid)

    seen[~valid] = 1000.0

    after = sampled(policy, seen, valid)
    assert torch.equal(after.decisions.actions, before.decisions.actions)
    torch.testing.assert_close(after.entropy, before.entropy, rtol=0, atol=0)


def test_argmax_decisions_repeat_and_do_not_depend_on_the_other_videos(policy: Policy) -> None:
    seen, valid = glances(6, 8), lengths(8, 8, 5, 3, 8, 1, of=8)

    together = policy.decide(seen, valid).decisions
    again = policy.decide(seen, valid).decisions
    alone = torch.cat([policy.decide(seen[b : b + 1], valid[b : b + 1]).decisions.actions for b in range(6)])

    assert torch.equal(together.actions, again.actions)
    assert torch.equal(together.actions, alone)
    assert len(together.actions.unique()) > 3


def test_gumbel_samples_repeat_with_the_generator_only(policy: Policy) -> None:
    torch.nn.init.zeros_(policy.logits.weight)
    first, again, other = (sampled(policy, glances(8, 8), everywhere(8, 8), seed=s).one_hot for s in (3, 3, 4))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("temperature", [0.5, 5.0])
def test_gumbel_samples_follow_the_softmax_of_the_logits_at_any_temperature(temperature: float) -> None:
    policy = Policy(features=FEATURES, project=6, hidden=6, actions=Actions(("a", "b", "c"), False, ()))
    torch.nn.init.zeros_(policy.logits.weight)
    policy.logits.bias.data = torch.tensor([0.0, 1.0, 2.0])

    one_hot = sampled(policy, glances(20_000, 1), everywhere(20_000, 1), temperature=temperature).one_hot

    torch.testing.assert_close(one_hot.mean(dim=(0, 1)), torch.tensor([0.0900, 0.2447, 0.6652]), rtol=0, atol=0.015)


def test_entropy_is_the_mean_over_choices_made(policy: Policy) -> None:
    # All actions alike: the first frame chooses among 3 sources, the others among 6 actions, covered ones not at all.
    torch.nn.init.zeros_(policy.logits.weight)
    valid = lengths(5, 2, of=5)
    choice = sampled(policy, glances(2, 5), valid)

    choices = int(choice.decisions.decided.sum())
    expected = (2 * math.log(SOURCES) + (choices - 2) * math.log(len(ACTIONS))) / choices
    assert choice.entropy.item() == pytest.approx(expected, rel=1e-5)
    assert float(policy.decide(glances(2, 5), valid).entropy) == 0


def test_a_new_policy_is_undecided() -> None:
    torch.manual_seed(0)
    policy = Policy(features=FEATURES, project=6, hidden=6, actions=ACTIONS)

    logits, _ = policy.step(policy.embed(glances(4, 1)[:, 0]), policy.start(4, torch.device("cpu")))

    assert logits.abs().max() < 0.1


def test_it_computes_in_float32_under_autocast(policy: Policy) -> None:
    seen, valid = glances(8, 8), everywhere(8, 8)
    plain = sampled(policy, seen, valid)

    with torch.autocast("cpu", torch.bfloat16):
        cast = sampled(policy, seen, valid)
        from_half = policy.decide(seen.bfloat16(), valid)

    assert torch.equal(cast.one_hot, plain.one_hot)
    assert torch.equal(cast.entropy, plain.entropy)
    assert cast.one_hot.dtype == from_half.one_hot.dtype == torch.float32


def test_a_stream_that_never_glances_at_covered_frames_decides_alike(policy: Policy) -> None:
    seen = glances(4, 12)
    expected = policy.decide(seen, everywhere(4, 12)).decisions

    for b in range(4):
        state, t, deciders = policy.start(1, torch.device("cpu")), 0, {}
        while t < 12:
            logits, state = policy.step(policy.embed(seen[b : b + 1, t]), state)
            if t == 0:
                logits = logits[:, :SOURCES]
            deciders[t] = int(logits.argmax())
            t += ACTIONS.covers[deciders[t]]
        assert deciders == {t: int(expected.actions[b, t]) for t in range(12) if expected.decided[b, t]}
    assert not expected.decided.all()


def test_with_changes_it_sees_how_a_glance_differs_from_the_last_one_it_decided_about() -> None:
    torch.manual_seed(0)
    policy = Policy(features=FEATURES, project=6, hidden=6, actions=ACTIONS, changes=True)
    seen = glances(1, 3)
    still, moved = policy.embed(seen[:, 0]), policy.embed(seen[:, 1])
    start = policy.start(1, torch.device("cpu"))
    inputs: list[Tensor] = []
    policy.cell.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))

    _, first = policy.step(still, start)
    _, again = policy.step(still, first)
    policy.step(moved, again)

    none, same, other = (torch.exp(values[0, 6:]) - LITTLE for values in inputs)
    torch.testing.assert_close(none, torch.zeros(6), atol=1e-6, rtol=0)  # there is none before the first
    torch.testing.assert_close(same, torch.zeros(6), atol=1e-6, rtol=0)
    torch.testing.assert_close(other, (moved - still)[0].abs(), atol=1e-5, rtol=1e-4)

"""The stages of a training: what learns in which, and that the cost keeps to the budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from adaframe.evaluation.metrics import mean_average_precision
from adaframe.model.network import Features, Network
from adaframe.training.feeding.batch import Batch
from adaframe.training.module import Recogniser

MakeRecogniser = Callable[..., Recogniser]
MakeBatch = Callable[..., Batch]


class Watch(pl.Callback):
    """The parameters and buffers after each epoch, and whether the policy was exploring in each update."""

    def __init__(self) -> None:
        self.states: list[dict[str, Tensor]] = []
        self.policy_training: list[set[bool]] = []
        self.metrics: list[dict[str, float]] = []

    def on_train_start(self, trainer: pl.Trainer, module: Any) -> None:
        self._keep(module)

    def on_train_epoch_start(self, trainer: pl.Trainer, module: Any) -> None:
        self.policy_training.append(set())

    def on_train_batch_end(self, trainer: pl.Trainer, module: Any, *_: Any) -> None:
        if module.network.policy is not None:
            self.policy_training[-1].add(module.network.policy.training)

    def on_train_epoch_end(self, trainer: pl.Trainer, module: Any) -> None:
        self._keep(module)
        self.metrics.append({k: float(v) for k, v in trainer.callback_metrics.items()})

    def _keep(self, module: Any) -> None:
        self.states.append({k: v.clone() for k, v in module.state_dict().items()})

    def moved(self, epoch: int, part: str) -> set[str]:
        """Names below `part` whose values changed in an epoch."""
        before, after = self.states[epoch], self.states[epoch + 1]
        return {k for k in before if k.startswith(part) and not torch.equal(before[k], after[k])}


class Loader:
    """Lightning takes a list for several loaders."""

    def __init__(self, batches: Sequence[Batch]) -> None:
        self.batches = batches

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)


def train(module: Recogniser, batches: Sequence[Batch]) -> Watch:
    watch = Watch()
    trainer = pl.Trainer(
        max_epochs=module.schedule.epochs,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        callbacks=[watch],
    )
    trainer.fit(module, Loader(batches), Loader(batches))
    return watch


@pytest.fixture
def three_stages(make_recogniser: MakeRecogniser, make_batch: MakeBatch) -> tuple[Recogniser, Watch]:
    """One epoch of each stage, begun with everything in eval mode, as a checkpoint leaves it."""
    module = make_recogniser()
    module.network.eval()
    return module, train(module, [make_batch(module.network, seed=n) for n in range(3)])


def test_the_policy_learns_in_the_joint_stage_alone(three_stages: tuple[Recogniser, Watch]) -> None:
    _, watch = three_stages

    assert watch.moved(0, "network.policy") == set()
    assert watch.moved(1, "network.policy") == {k for k in watch.states[0] if k.startswith("network.policy")}
    assert watch.moved(2, "network.policy") == set()


def test_what_the_policy_sees_does_not_move_under_it_in_fine_tuning(three_stages: tuple[Recogniser, Watch]) -> None:
    _, watch = three_stages

    assert watch.moved(1, "network.glance")
    assert watch.moved(2, "network.glance") == set()


@pytest.mark.parametrize("own_norms", ["none", "file.pth"])
def test_weights_that_glances_share_with_a_look_are_frozen_with_the_policy(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch, own_norms: str
) -> None:
    shared = make_recogniser().config.model
    glance = replace(shared.glance, shares="look-32", weights=own_norms)
    network = Network(replace(shared, glance=glance), classes=2, pretrained=False)
    module = make_recogniser(network)
    batches = [make_batch(network, seed=n) for n in range(3)]

    watch = train(module, batches)

    assert watch.moved(0, "network.looks.0")
    assert {k for k in watch.moved(2, "network.looks.0") if k in shared_names(network)} == set()
    assert watch.moved(2, "network.looks.1")


def shared_names(network: Network) -> set[str]:
    assert network.glance is not None
    of_glance = {id(p) for p in network.glance.parameters()}
    found = {f"network.looks.0.{n}" for n, p in network.looks[0].named_parameters() if id(p) in of_glance}
    assert found
    return found


def test_looks_and_head_learn_in_all_stages(three_stages: tuple[Recogniser, Watch]) -> None:
    _, watch = three_stages

    for epoch in range(3):
        # In fine-tuning those that the policy chooses.
        assert {k for k in watch.moved(epoch, "network.looks") if k.endswith("0.weight")}, epoch
        assert watch.moved(epoch, "network.head.classify") == {
            "network.head.classify.weight",
            "network.head.classify.bias",
        }


def test_statistics_of_looks_change_in_the_warm_up_alone_and_the_glances_until_the_policy_is_frozen(
    three_stages: tuple[Recogniser, Watch],
) -> None:
    _, watch = three_stages
    changed = [{k for k in watch.moved(epoch, "network") if "running_" in k} for epoch in range(3)]

    assert {k.split(".")[1] for k in changed[0]} == {"looks", "glance"}
    assert {k.split(".")[1] for k in changed[1]} == {"glance"}
    assert changed[2] == set()


def test_a_policy_explores_in_every_joint_update_whatever_mode_it_was_left_in(
    three_stages: tuple[Recogniser, Watch],
) -> None:
    _, watch = three_stages

    assert watch.policy_training[1:] == [{True}, {False}]


def test_a_policy_that_was_fine_tuned_explores_when_it_is_trained_again(
    three_stages: tuple[Recogniser, Watch], make_recogniser: MakeRecogniser, make_batch: MakeBatch
) -> None:
    module, _ = three_stages

    watch = train(make_recogniser(module.network), [make_batch(module.network)])

    assert watch.policy_training[1] == {True}
    assert watch.moved(1, "network.policy")


def test_validation_shows_uniform_decisions_until_the_policy_learns(three_stages: tuple[Recogniser, Watch]) -> None:
    module, watch = three_stages

    assert watch.metrics[0]["val/share/look-32"] == 1.0
    assert watch.metrics[0]["val/cost"] == pytest.approx(1.0)
    assert module.schedule.stage(1) == "joint"


def gradients(module: Recogniser, batch: Batch, *, epoch: int) -> dict[str, Tensor]:
    """Gradients of one update in an epoch."""
    module.trainer = pl.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False, max_epochs=3)
    module.trainer.fit_loop.epoch_progress.current.completed = epoch
    module.trainer.fit_loop.epoch_progress.current.processed = epoch
    module.log = module.log_dict = lambda *_, **__: None  # type: ignore[method-assign]
    module.on_train_epoch_start()
    assert module.current_epoch == epoch
    module.training_step(batch, 0).backward()
    module.on_after_backward()
    return {n: p.grad for n, p in module.network.named_parameters() if p.grad is not None}


def always(network: Network, action: int) -> None:
    assert network.policy is not None
    with torch.no_grad():
        network.policy.logits.bias[action] = 500.0


def test_a_look_that_was_not_chosen_gets_no_gradient(make_recogniser: MakeRecogniser, make_batch: MakeBatch) -> None:
    module = make_recogniser()
    always(module.network, 1)

    found = gradients(module, make_batch(module.network), epoch=1)

    norm = {n: float(g.abs().sum()) for n, g in found.items()}
    assert sum(v for n, v in norm.items() if n.startswith("looks.0.")) == 0
    assert all(norm[n] > 0 for n in ("looks.1.0.weight", "looks.1.3.weight", "head.project.1.0.weight"))


def test_the_policy_learns_from_what_it_did_not_choose(make_recogniser: MakeRecogniser, make_batch: MakeBatch) -> None:
    module = make_recogniser(**{"train.standing_price": 0.0, "train.entropy": 0.0})

    found = gradients(module, make_batch(module.network), epoch=1)

    # No price, no bonus: what is left comes from the class scores alone, and reaches the logits of all actions.
    assert (found["policy.logits.bias"].abs() > 0).all()
    assert float(found["policy.cell.weight_hh"].abs().sum()) > 0
    assert float(found["glance.0.weight"].abs().sum()) > 0


def informative(network: Network, *, batches: int, videos: int = 24, noise: float = 0.3) -> list[Batch]:
    """Features in place of pictures: the strongest look tells the class, the smaller one and the glance do not."""
    generator = torch.Generator().manual_seed(0)
    frames, width = network.model.sampling.frames, network.look_widths[0]

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    valid, times_s = torch.ones(videos, frames, dtype=torch.bool), torch.arange(frames).float().expand(videos, -1) / 4
    patterns = draw(2, width)
    made = []
    for _ in range(batches):
        labels = torch.randint(2, (videos,), generator=generator)
        strong = patterns[labels][:, None] + noise * draw(videos, frames, width)
        features = Features(draw(videos, frames, network.glance_width), (strong, draw(videos, frames, width)))
        targets = nn.functional.one_hot(labels, 2).float()
        made.append(Batch(None, features, valid, times_s, targets, torch.arange(videos)))
    return made


JOINT = {
    "train.stages.warmup": 3,
    "train.stages.joint": 30,
    "train.stages.finetune": 2,
    "model.sampling.frames": 8,
    "model.policy.hidden": 16,
    "train.lr": 0.02,
    "train.policy_lr": 1.0,
    "train.multiplier_step": 0.1,  # few updates
}


@pytest.mark.parametrize("budget", [0.3, pytest.param(0.6, marks=pytest.mark.slow)])
def test_dual_ascent_brings_the_argmax_cost_to_the_budget(make_recogniser: MakeRecogniser, budget: float) -> None:
    module = make_recogniser(updates=6, budget=budget, **JOINT, **{"train.standing_price": 0.0, "train.beta_max": 0.0})
    batches = informative(module.network, batches=6, noise=3.0)

    watch = train(module, batches)

    costs = [m["val/cost"] for m in watch.metrics]
    assert min(costs[3:6]) > 0.9
    assert costs[-1] == pytest.approx(budget, abs=0.15)


def test_without_a_multiplier_that_moves_a_hard_task_is_looked_at_throughout(make_recogniser: MakeRecogniser) -> None:
    changes = {
        "train.standing_price": 0.0,
        "train.beta_max": 0.0,
        "train.multiplier_step": 0.0,
        "train.stages.joint": 15,
    }
    module = make_recogniser(updates=6, budget=0.3, **JOINT | changes)

    watch = train(module, informative(module.network, batches=6, noise=3.0))

    assert watch.metrics[-1]["val/cost"] > 0.9


def test_an_easy_task_neither_skips_everything_nor_looks_at_everything(make_recogniser: MakeRecogniser) -> None:
    module = make_recogniser(updates=6, budget=0.5, **JOINT | {"train.stages.joint": 20})
    batches = informative(module.network, batches=6, noise=0.1)

    watch = train(module, batches)

    module.eval()
    with torch.no_grad():
        scores, decisions = module.recognise(batches[0])
    assert decisions.seen().any(dim=2)[:, 0].all()
    assert watch.metrics[-1]["val/cost"] < 0.6
    assert watch.metrics[-1]["val/accuracy"] > 0.95
    assert (scores.argmax(dim=1) == batches[0].targets.argmax(dim=1)).float().mean() > 0.95


def test_the_multiplier_moves_in_the_joint_stage_alone(make_recogniser: MakeRecogniser) -> None:
    module = make_recogniser(budget=0.1)

    watch = train(module, informative(module.network, batches=3))

    values = [float(state["multiplier.value"]) for state in watch.states]
    assert values[0] == values[1]
    assert values[2] > values[1]
    assert values[3] == values[2]


def test_fixed_weights_leave_the_multiplier_alone(make_recogniser: MakeRecogniser) -> None:
    module = make_recogniser(**{"train.compute": "fixed"})

    watch = train(module, informative(module.network, batches=3))

    assert len({float(state["multiplier.value"]) for state in watch.states}) == 1
    assert watch.moved(1, "network.policy.logits")


def test_fixed_weights_spread_the_actions(make_recogniser: MakeRecogniser) -> None:
    """Their third term punishes an action that is taken always."""
    weights = {"train.compute": "fixed", "train.fixed_weights": (0.0, 1.0, 3.0), "train.stages.joint": 15}
    module = make_recogniser(**JOINT | weights)
    assert module.network.policy is not None
    with torch.no_grad():
        module.network.policy.logits.bias[0] = 3.0

    watch = train(module, informative(module.network, batches=3))

    first, last = watch.metrics[3], watch.metrics[17]
    assert first["train/share/look-32"] > 0.6
    assert last["train/share/look-32"] < 0.4


def test_an_update_depends_on_seed_and_number_alone(make_recogniser: MakeRecogniser, make_batch: MakeBatch) -> None:
    """So a resumed run meets the same noise."""
    one, other = make_recogniser(**{"model.head.dropout": 0.5}), make_recogniser(**{"model.head.dropout": 0.5})
    torch.manual_seed(99)  # what happened before does not matter

    for epoch in range(3):
        batch = make_batch(one.network)
        one.zero_grad()
        other.zero_grad()
        a, b = gradients(one, batch, epoch=epoch), gradients(other, batch, epoch=epoch)
        assert all(torch.equal(a[n], b[n]) for n in a)


def test_half_of_the_clips_meet_a_runtime_bias_against_cost(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch
) -> None:
    module = make_recogniser(**{"train.beta_max": 2.0})
    batch = make_batch(module.network, videos=400)

    bias = module._bias(batch, torch.Generator().manual_seed(0))

    assert bias is not None
    beta = -bias[:, 0] / module.price[0]
    torch.testing.assert_close(bias, -beta[:, None] * module.price)
    assert 0.4 < float((beta == 0).float().mean()) < 0.6
    assert 1.8 < float(beta.max()) <= 2.0
    assert module.price[0] > module.price[1] > module.price[2] == 0 > module.price[3]


def test_features_in_place_of_crops_give_the_same_answer(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch
) -> None:
    module = make_recogniser()
    module.eval()
    crops, features = make_batch(module.network), make_batch(module.network, features=True)

    with torch.no_grad():
        (a, chosen), (b, also) = module.recognise(crops, 0.3), module.recognise(features, 0.3)

    torch.testing.assert_close(a, b)
    assert torch.equal(chosen.actions, also.actions)


def test_the_headline_is_accuracy_where_clips_have_one_label(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch
) -> None:
    module = make_recogniser()

    watch = train(module, [make_batch(module.network, videos=n, seed=n) for n in (2, 5)])

    assert [m["val/headline"] for m in watch.metrics] == [m["val/accuracy"] for m in watch.metrics]
    with torch.no_grad():
        batches = [make_batch(module.network, videos=n, seed=n) for n in (2, 5)]
        right = torch.cat([module.recognise(b)[0].argmax(dim=1) == b.targets.argmax(dim=1) for b in batches])
    assert watch.metrics[-1]["val/headline"] == pytest.approx(float(right.float().mean()))


def test_the_headline_of_several_labels_is_map_of_the_whole_epoch(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch
) -> None:
    module = make_recogniser(multi_label=True)
    batches = [make_batch(module.network, videos=n, seed=n) for n in (2, 5)]

    watch = train(module, batches)

    with torch.no_grad():
        module.eval()
        scores = torch.cat([module.recognise(b)[0] for b in batches]).double().numpy()
    targets = torch.cat([b.targets for b in batches]).numpy() > 0
    expected = mean_average_precision(scores, targets)
    parts = np.average([mean_average_precision(scores[s], targets[s]) for s in (slice(2), slice(2, 7))], weights=[2, 5])
    assert abs(expected - parts) > 0.01  # else the mean of batches would do
    assert watch.metrics[-1]["val/headline"] == watch.metrics[-1]["val/map"] == pytest.approx(expected)
    assert 0 <= watch.metrics[-1]["train/map"] <= 1
    assert not any("accuracy" in name for m in watch.metrics for name in m)


def test_clips_that_have_every_label_are_ranked_without_fault(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch
) -> None:
    module = make_recogniser(multi_label=True)
    batch = make_batch(module.network)
    batch = replace(batch, targets=torch.ones_like(batch.targets))

    watch = train(module, [batch])

    assert watch.metrics[-1]["val/map"] == 1.0
    assert watch.metrics[-1]["val/loss"] < watch.metrics[0]["val/loss"] + 0.1


@pytest.mark.parametrize("policy", ["uniform", "static:look-16/2", "glance"])
def test_batch_norms_of_a_baseline_learn_in_all_epochs(
    make_recogniser: MakeRecogniser, make_batch: MakeBatch, policy: str
) -> None:
    module = make_recogniser(policy=policy)

    watch = train(module, [make_batch(module.network)])

    part = "network.glance" if policy == "glance" else "network.looks"
    assert all(any("running_mean" in k for k in watch.moved(epoch, part)) for epoch in range(3))
    assert not any(k.startswith("network.policy") for k in watch.states[0])

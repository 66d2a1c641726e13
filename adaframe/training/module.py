"""The LightningModule: it only wires stages, losses and logging. Letters: B clips, T sampled frames, K classes."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from adaframe.config import Config, Stages
from adaframe.model.actions import Decisions
from adaframe.model.network import Features, Network
from adaframe.model.plans import evenly
from adaframe.training.budget import Multiplier
from adaframe.training.feeding.batch import Batch
from adaframe.training.losses import classification_loss, cost_penalty, fixed_weight_loss, head_penalty
from adaframe.training.mixup import Mix, draw_mixture, unmixed
from adaframe.training.parameters import frozen_norms, make_optimizer
from adaframe.training.ranking import EpochAveragePrecision
from adaframe.training.ranks import ALONE, Rank, average_norms, total, with_other_ranks
from adaframe.training.schedule import Schedule
from adaframe.training.warmup import random_decisions


class Recogniser(pl.LightningModule):
    """Trains a network through its stages.

    Args:
        network: what learns.
        config: of the run.
        multi_label: whether several classes may hold at once.
        clips: in the training set.
        batches_per_epoch: over the training set.
        class_weights: of each class in the classification loss, float, (K,); None where all count alike.
        rank: of several processes that train together, each on its share of every batch.
        tells: whether it logs how it goes, which takes a fifth of the time where features are frozen.
    """

    def __init__(
        self,
        network: Network,
        config: Config,
        *,
        multi_label: bool,
        clips: int,
        batches_per_epoch: int,
        class_weights: Tensor | None = None,
        rank: Rank = ALONE,
        tells: bool = True,
    ) -> None:
        super().__init__()
        self.tells = tells
        self.network = network
        self.config = config
        self.multi_label = multi_label
        self.clips = max(clips, 1)
        self.batches_per_epoch = max(batches_per_epoch, 1)
        self.rank = rank
        train = config.train
        self.schedule = Schedule(train.stages, train.temperature, train.schedule, train.stage_lr, train.lr_steps)
        self.multiplier = Multiplier(
            budget=config.budget, step=config.train.multiplier_step, standing=config.train.standing_price
        )
        self.price = torch.tensor(network.price)
        self.spent = torch.zeros(2)  # executed and uniform cost of the batches of an update so far
        self.class_weights = class_weights
        self.train_map, self.val_map = EpochAveragePrecision(), EpochAveragePrecision()

    def cut_stage(self, epoch: int) -> bool:
        """End the stage of this epoch after it; returns whether that shortens anything."""
        shorter = self.schedule.cut(epoch)
        changed = shorter != self.schedule
        self.schedule = shorter
        return changed

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["stages"] = asdict(self.schedule.stages)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Stages that were ended early stay so; the length of those to come is the configuration's."""
        if "stages" in checkpoint:
            self.schedule = replace(self.schedule, stages=Stages(**checkpoint["stages"]))

    def on_fit_start(self) -> None:
        self.trainer.fit_loop.max_epochs = self.schedule.epochs

    def on_train_epoch_start(self) -> None:
        """Modes: batch norms of looks learn in warm-up at most, the glance's until the policy is frozen, pretrained ones never.

        (With train.norms: all they all do, but for those of a frozen policy.)

        With the glance's norms frozen after the warm-up, in which nothing has taught it yet, its features went dead under
        the policy's large steps in one seed of three: all frames looked alike, and the policy chose all or nothing.
        """
        stage = self.schedule.stage(self.current_epoch)
        self.network.train()
        adaptive = self.network.plan is None
        learn_own = stage == "warmup" or not adaptive
        if not self.every_norm:
            for module in frozen_norms(self.network, learn_own=learn_own, learn_glance=stage == "joint"):
                module.eval()
        if stage == "finetune" and self.network.policy is not None:
            self.network.policy.eval()
            if self.every_norm and self.network.glance is not None:
                self.network.glance.eval()

    def on_after_backward(self) -> None:
        """In fine-tuning, weights that the frozen policy's glances share with looks are frozen with it."""
        frozen = self.network.glance if self.network.plan is None else None
        if frozen is not None and self.schedule.stage(self.current_epoch) == "finetune":
            for parameter in frozen.parameters():
                parameter.grad = None

    def training_step(self, batch: Batch, index: int) -> Tensor:
        # (seed, batch) decides all that is random in a batch, so that a resumed run meets what it would have met. What is
        # drawn is drawn for the clips of all ranks, so that their number changes nothing; dropout alone differs.
        seed = self.config.seed * 1_000_003 + self.current_epoch * self.batches_per_epoch + index
        generator = torch.Generator().manual_seed(seed)
        torch.manual_seed(seed + self.rank.number * 1_000_000_007)
        epoch = self.current_epoch + index / self.batches_per_epoch
        stage = self.schedule.stage(self.current_epoch)
        mix: Mix = unmixed
        given = batch
        if self.config.train.mixup:
            rng = np.random.default_rng((self.config.seed, self.global_step))
            mixture = draw_mixture(len(batch.valid), self.config.train.mixup, rng).to(batch.valid.device)
            mix, batch = mixture.of, replace(batch, targets=mixture.of(batch.targets))
        if self.network.plan is not None:
            decisions = self.network.decide(None, batch.valid, priority=batch.priority)
            glances = self._glances(batch, needed=self.network.actions.glance_answers)
            scores = self._scores(batch, glances, decisions, mix)
            loss = self._classification(scores, batch) + self._head_penalty()
        elif stage == "warmup" and self.config.train.warmup == "alone":
            loss, scores, decisions = self._alone(batch, mix)
        elif stage == "warmup":
            uniform = self.schedule.uniform_share(epoch)
            decisions = random_decisions(
                batch.valid,
                self.network.actions,
                generator,
                uniform=uniform,
                strongest=self.network.costs.strongest,
                among=batch.among,
            )
            # Run even where it does not answer yet: norms of a glance from scratch begin to learn their statistics here.
            answers = self.network.answering(self._glances(batch), decisions)
            scores = self._scores(batch, answers, decisions, mix)
            loss = self._classification(scores, batch) + self._head_penalty()
        elif stage == "joint":
            loss, scores, decisions = self._joint(batch, epoch, generator, seed, mix, last=self._completes(index))
        else:
            with torch.no_grad():  # The policy is frozen, with the weights that its glances share.
                glances = self._glances(batch)
                decisions = self.network.decide(glances, batch.valid, bias=self._bias(batch, generator))
                answers = self.network.answering(glances, decisions)
            scores = self._scores(batch, answers, decisions, mix)
            loss = self._classification(scores, batch) + self._head_penalty()
            if not loss.requires_grad:  # policy.skip_first: of no clip was anything seen, so there is nothing to learn
                loss = loss + 0.0 * torch.stack([p.sum() for p in self.network.head.parameters()]).sum()
        if self.tells:
            self._log("train", scores, decisions, given)
            self._log_mean({"train/loss": loss.detach()}, batch.counted)
        # Lightning averages over ranks and accumulated batches as if all were of one size.
        return loss * (batch.counted / batch.place.update * self.rank.of * self.config.train.accumulate)

    def on_train_batch_end(self, outputs: Any, batch: Batch, index: int) -> None:
        if self.rank.of > 1:
            average_norms(self.network, self.rank)

    def _completes(self, index: int) -> bool:
        """Whether a batch is the last of its update."""
        return (index + 1) % self.config.train.accumulate == 0 or index + 1 == self.batches_per_epoch

    def _alone(self, batch: Batch, mix: Mix) -> tuple[Tensor, Tensor, Decisions]:
        """The sum of the losses of all looks, each at every frame; scores and decisions of the strongest one.

        Looks that share no weights have no parameter in common, so each learns as it would by itself (but for the gradient's
        norm, which is clipped as one).
        """
        actions, strongest = self.network.actions, self.network.costs.strongest
        losses, answers = [], []
        unseen = torch.zeros(*batch.valid.shape, self.network.answer_width, device=self.device)
        for look in range(len(actions.looks)):
            decisions = evenly(batch.valid, source=look, looks=batch.valid.shape[1], actions=actions)
            scores = self._scores(batch, unseen, decisions, mix)
            losses.append(self._classification(scores, batch))
            answers.append((scores, decisions))
        return torch.stack(losses).sum(), *answers[strongest]

    def _joint(
        self, batch: Batch, epoch: float, generator: torch.Generator, seed: int, mix: Mix, *, last: bool
    ) -> tuple[Tensor, Tensor, Decisions]:
        scores, choice, glances = self.network.joint(
            None if batch.crops is None else batch.as_clips(),
            features=batch.features,
            valid=batch.valid,
            times_s=batch.times_s,
            temperature=self.schedule.temperature_at(epoch),
            # From the middle of the stage on: a policy that does not know yet where to look learns nothing from being pushed.
            bias=self._bias(batch, generator) if self.schedule.progress(epoch) >= 0.5 else None,
            generator=generator if self.device.type == "cpu" else torch.Generator(self.device).manual_seed(seed),
            among=batch.among,
            mix=mix,
            every=self.every_norm,
        )
        loss = self._classification(scores, batch) + self._head_penalty()
        prices, actions, train = self.network.prices, self.network.actions, self.config.train
        # How much of what is not a mean over clips is this rank's, in terms of the factor that its whole loss will get.
        whole, counts = batch.place.group / max(batch.counted, 1), float(batch.place.counts)
        if train.compute == "fixed":
            actions_of_all = with_other_ranks(choice.one_hot * counts)
            compute = fixed_weight_loss(
                loss.new_zeros(()), actions_of_all, self.network.costs, actions, train.fixed_weights
            )
            loss = train.fixed_weights[0] * loss + compute.detach() + whole * (compute - compute.detach())
        else:
            loss = loss + self.multiplier.price() * cost_penalty(choice.one_hot, batch.valid, prices, actions)
            with torch.no_grad():  # What is controlled is what will be executed: the argmax, without noise or bias.
                executed = prices.executed(self.network.decide(glances, batch.valid)).sum()
                both = torch.stack([executed, prices.uniform(batch.valid.sum(dim=1)).sum()])
            self._spend(both * counts, last=last)
        decided = choice.decisions.decided.sum() * counts
        entropy = choice.entropy * (whole * decided / total(decided).clamp(min=1))
        loss = loss - train.entropy * (1 - self.schedule.progress(epoch)) * entropy
        return loss, scores, choice.decisions

    def _spend(self, both: Tensor, *, last: bool) -> None:
        """Note executed and uniform cost of a batch; the multiplier moves once per update, by those of all ranks."""
        self.spent = self.spent.to(both) + both
        if last:
            executed, uniform = total(self.spent)
            self.multiplier.update(float(executed / uniform))
            self.spent = torch.zeros_like(both)

    def _bias(self, batch: Batch, generator: torch.Generator) -> Tensor | None:
        """Half of the clips meet a runtime bias of the action logits, (B, A), so that the classifiers know such mixtures."""
        highest = self.config.train.beta_max
        if not highest:
            return None
        first, group = batch.among
        draw = torch.rand(group, 2, generator=generator)[first : first + len(batch.valid)]
        beta = torch.where(draw[:, 0] < 0.5, 0.0, draw[:, 1] * highest)
        return (-beta[:, None] * self.price).to(batch.valid.device)

    def _glances(self, batch: Batch, *, needed: bool = True) -> Tensor | None:
        if not needed:
            return None
        if batch.features is not None:
            return batch.features.glance
        return self.network.glance_features(batch.as_clips())

    @property
    def every_norm(self) -> bool:
        """Whether all norms learn: then each frame bears on all others, and none can be left out without changing them."""
        return self.config.train.norms == "all"

    def _scores(self, batch: Batch, answers: Tensor | None, decisions: Decisions, mix: Mix) -> Tensor:
        return self.network.head.answer(mix(self._summary(batch, answers, decisions)))

    def _summary(self, batch: Batch, answers: Tensor | None, decisions: Decisions) -> Tensor:
        """What the head sees of each clip, (B, 2F); `answers`: what the glances answer with (`Network.answering`)."""
        if batch.features is None:
            every = self.every_norm and self.training
            features = self.network.routed_features(batch.as_clips(), answers, decisions, every=every)
        else:
            features = Features(answers, batch.features.looks)
        return self.network.summary(features, decisions.seen().float(), batch.times_s)

    def recognise(
        self, batch: Batch, beta: float = 0.0, *, plan: Callable[[Tensor], Decisions] | None = None
    ) -> tuple[Tensor, Decisions]:
        """Scores (B, K) and decisions as at inference, under a bias, or under fixed decisions about the valid frames."""
        summary, decisions = self.summarise(batch, beta, plan=plan)
        return self.network.head.answer(summary), decisions

    def summarise(
        self, batch: Batch, beta: float = 0.0, *, plan: Callable[[Tensor], Decisions] | None = None
    ) -> tuple[Tensor, Decisions]:
        """What the head sees of each clip, (B, 2F), and decisions; arguments as of `recognise`."""
        glances = self._glances(batch) if self.network.glance is not None else None
        if plan is not None:
            decisions = plan(batch.valid)
        else:
            bias = -beta * self.price.to(batch.valid.device)[None] if beta else None
            decisions = self.network.decide(glances, batch.valid, bias=bias, priority=batch.priority)
        return self._summary(batch, self.network.answering(glances, decisions), decisions), decisions

    def validation_step(self, batch: Batch, index: int) -> None:
        plan = None
        if self.network.plan is None and self.schedule.stage(self.current_epoch) == "warmup":
            # The policy has not begun to learn: what can be watched is how well the classifiers see.
            looks, frames = self.network.costs.strongest, batch.valid.shape[1]
            plan = partial(evenly, source=looks, looks=frames, actions=self.network.actions)
        scores, decisions = self.recognise(batch, plan=plan)
        self._log("val", scores, decisions, batch)
        self._log_mean({"val/loss": self._classification(scores, batch)}, batch.counted)

    def on_validation_epoch_end(self) -> None:
        """`val/headline` is what epochs are compared by, whatever the labels: accuracy, or mAP (0: no clip has a label)."""
        if self.multi_label:
            self.log("val/headline", torch.nan_to_num(self.val_map.compute()))

    def _classification(self, scores: Tensor, batch: Batch) -> Tensor:
        smoothing = self.config.train.label_smoothing if self.training else 0.0
        return classification_loss(
            scores,
            batch.targets,
            multi_label=self.multi_label,
            label_smoothing=smoothing,
            class_weights=None if self.class_weights is None else self.class_weights.to(scores.device),
        )

    def _head_penalty(self) -> Tensor:
        return head_penalty(
            self.network.head.classify,
            strength=self.config.train.head_penalty,
            clips=self.clips,
            multi_label=self.multi_label,
        )

    def _log(self, split: str, scores: Tensor, decisions: Decisions, batch: Batch) -> None:
        prices = self.network.prices
        cost = (prices.executed(decisions) / prices.uniform(batch.valid.sum(dim=1))).mean()
        values = {f"{split}/cost": cost.float()}
        if self.multi_label:  # of the whole epoch: it cannot be averaged over batches
            precision = self.train_map if split == "train" else self.val_map
            if batch.place.counts:
                precision.update(scores, batch.targets)
            self.log(f"{split}/map", precision, on_step=False, on_epoch=True)
        else:
            right = batch.targets.gather(1, scores.argmax(dim=1, keepdim=True)).mean()
            values |= {f"{split}/accuracy": right} | ({"val/headline": right} if split == "val" else {})
        if split == "train":
            values["train/multiplier"] = self.multiplier.value.clone()
        self._log_mean(values, batch.counted)
        if self.network.plan is None:
            shares = {f"{split}/share/{name}": torch.tensor(v) for name, v in decisions.shares().items()}
            self._log_mean(shares, int(batch.valid.sum()) * int(batch.place.counts))

    def _log_mean(self, values: dict[str, Tensor], weight: int) -> None:
        """Means over an epoch, weighed, over all ranks."""
        # Lightning averages the weights over the ranks in whole numbers; multiples of their number come out exact.
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=weight * self.rank.of, sync_dist=True)

    def configure_optimizers(self) -> Any:
        optimizer = make_optimizer(self.network, self.config.train)
        updates = math.ceil(self.batches_per_epoch / self.config.train.accumulate)  # in an epoch
        factor = lambda update: self.schedule.learning_rate(update / updates)  # noqa: E731
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

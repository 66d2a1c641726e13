"""The LightningModule: it only wires stages, losses and logging. Letters: B clips, T sampled frames, K classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor

from adaframe.config import Config
from adaframe.model.actions import Decisions
from adaframe.model.network import Features, Network
from adaframe.model.plans import evenly
from adaframe.training.batches import Batch
from adaframe.training.budget import Multiplier
from adaframe.training.losses import classification_loss, cost_penalty, fixed_weight_loss
from adaframe.training.mixup import Mix, draw_mixture, unmixed
from adaframe.training.parameters import frozen_norms, parameter_groups
from adaframe.training.schedule import Schedule
from adaframe.training.warmup import random_decisions


class Recogniser(pl.LightningModule):
    """Trains a network through its stages.

    Args:
        network: what learns.
        config: of the run.
        multi_label: whether several classes may hold at once.
        clips: in the training set.
        updates_per_epoch: over the training set.
        tells: whether it logs how it goes, which takes a fifth of the time where features are frozen.
    """

    def __init__(
        self,
        network: Network,
        config: Config,
        *,
        multi_label: bool,
        clips: int,
        updates_per_epoch: int,
        tells: bool = True,
    ) -> None:
        super().__init__()
        self.tells = tells
        self.network = network
        self.config = config
        self.multi_label = multi_label
        self.clips = max(clips, 1)
        self.updates_per_epoch = max(updates_per_epoch, 1)
        self.schedule = Schedule(config.train.stages, config.train.temperature)
        self.multiplier = Multiplier(
            budget=config.budget, step=config.train.multiplier_step, standing=config.train.standing_price
        )
        self.price = torch.tensor(network.costs.price(network.actions))

    def on_train_epoch_start(self) -> None:
        """Modes: batch norms learn in warm-up at most, pretrained ones never; a frozen policy runs in eval mode."""
        stage = self.schedule.stage(self.current_epoch)
        self.network.train()
        adaptive = self.network.plan is None
        for module in frozen_norms(self.network, learn_own=stage == "warmup" or not adaptive):
            module.eval()
        if stage == "finetune" and self.network.policy is not None:
            self.network.policy.eval()

    def on_after_backward(self) -> None:
        """In fine-tuning, weights that the frozen policy's glances share with looks are frozen with it."""
        frozen = self.network.glance if self.network.plan is None else None
        if frozen is not None and self.schedule.stage(self.current_epoch) == "finetune":
            for parameter in frozen.parameters():
                parameter.grad = None

    def training_step(self, batch: Batch, index: int) -> Tensor:
        # (seed, update) decides all that is random in an update, so that a resumed run meets what it would have met.
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.global_step)
        torch.manual_seed(self.config.seed * 1_000_003 + self.global_step)
        epoch = self.current_epoch + index / self.updates_per_epoch
        stage = self.schedule.stage(self.current_epoch)
        mix: Mix = unmixed
        given = batch
        if self.config.train.mixup:
            rng = np.random.default_rng((self.config.seed, self.global_step))
            mixture = draw_mixture(len(batch.valid), self.config.train.mixup, rng).to(batch.valid.device)
            mix, batch = mixture.of, replace(batch, targets=mixture.of(batch.targets))
        if self.network.plan is not None:
            decisions = self.network.decide(None, batch.valid)
            glances = self._glances(batch, needed=self.network.actions.glance_answers)
            scores = self._scores(batch, glances, decisions, mix)
            loss = self._classification(scores, batch) + self._head_penalty()
        elif stage == "warmup":
            uniform = self.schedule.uniform_share(epoch)
            decisions = random_decisions(
                batch.valid, self.network.actions, generator, uniform=uniform, strongest=self.network.costs.strongest
            )
            # Run even where it does not answer yet: norms of a glance from scratch learn their statistics in warm-up alone.
            scores = self._scores(batch, self._glances(batch), decisions, mix)
            loss = self._classification(scores, batch) + self._head_penalty()
        elif stage == "joint":
            loss, scores, decisions = self._joint(batch, epoch, generator, mix)
        else:
            with torch.no_grad():  # The policy is frozen, with the weights that its glances share.
                glances = self._glances(batch)
                decisions = self.network.decide(glances, batch.valid, bias=self._bias(batch, generator))
            scores = self._scores(batch, glances, decisions, mix)
            loss = self._classification(scores, batch) + self._head_penalty()
        if not self.tells:
            return loss
        self._log("train", scores, decisions, given)
        self.log("train/loss", loss.detach(), on_step=False, on_epoch=True, batch_size=len(batch.valid))
        return loss

    def _joint(
        self, batch: Batch, epoch: float, generator: torch.Generator, mix: Mix
    ) -> tuple[Tensor, Tensor, Decisions]:
        scores, choice, glances = self.network.joint(
            None if batch.crops is None else batch.as_clips(),
            features=batch.features,
            valid=batch.valid,
            times_s=batch.times_s,
            temperature=self.schedule.temperature_at(epoch),
            # From the middle of the stage on: a policy that does not know yet where to look learns nothing from being pushed.
            bias=self._bias(batch, generator) if self.schedule.progress(epoch) >= 0.5 else None,
            generator=generator if self.device.type == "cpu" else None,
            mix=mix,
        )
        loss = self._classification(scores, batch) + self._head_penalty()
        costs, actions, train = self.network.costs, self.network.actions, self.config.train
        if train.compute == "fixed":
            loss = fixed_weight_loss(loss, choice.one_hot, costs, actions, train.fixed_weights)
        else:
            loss = loss + self.multiplier.price() * cost_penalty(choice.one_hot, batch.valid, costs, actions)
            with torch.no_grad():  # What is controlled is what will be executed: the argmax, without noise or bias.
                executed = costs.executed(self.network.decide(glances, batch.valid))
                fraction = executed.sum() / costs.uniform(batch.valid.sum(dim=1)).sum()
            self.multiplier.update(float(fraction))
        loss = loss - train.entropy * (1 - self.schedule.progress(epoch)) * choice.entropy
        return loss, scores, choice.decisions

    def _bias(self, batch: Batch, generator: torch.Generator) -> Tensor | None:
        """Half of the clips meet a runtime bias of the action logits, (B, A), so that the classifiers know such mixtures."""
        highest = self.config.train.beta_max
        if not highest:
            return None
        draw = torch.rand(len(batch.valid), 2, generator=generator)
        beta = torch.where(draw[:, 0] < 0.5, 0.0, draw[:, 1] * highest)
        return (-beta[:, None] * self.price).to(batch.valid.device)

    def _glances(self, batch: Batch, *, needed: bool = True) -> Tensor | None:
        if not needed:
            return None
        if batch.features is not None:
            return batch.features.glance
        return self.network.glance_features(batch.as_clips())

    def _scores(self, batch: Batch, glances: Tensor | None, decisions: Decisions, mix: Mix) -> Tensor:
        return self.network.head.answer(mix(self._summary(batch, glances, decisions)))

    def _summary(self, batch: Batch, glances: Tensor | None, decisions: Decisions) -> Tensor:
        if batch.features is None:
            features = self.network.routed_features(batch.as_clips(), glances, decisions)
        else:
            features = Features(glances, batch.features.looks)
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
            decisions = self.network.decide(glances, batch.valid, bias=bias)
        return self._summary(batch, glances, decisions), decisions

    def validation_step(self, batch: Batch, index: int) -> None:
        plan = None
        if self.network.plan is None and self.schedule.stage(self.current_epoch) == "warmup":
            # The policy has not begun to learn: what can be watched is how well the classifiers see.
            looks, frames = self.network.costs.strongest, batch.valid.shape[1]
            plan = partial(evenly, source=looks, looks=frames, actions=self.network.actions)
        scores, decisions = self.recognise(batch, plan=plan)
        self._log("val", scores, decisions, batch)
        self.log("val/loss", self._classification(scores, batch), batch_size=len(batch.valid))

    def _classification(self, scores: Tensor, batch: Batch) -> Tensor:
        smoothing = self.config.train.label_smoothing if self.training else 0.0
        return classification_loss(scores, batch.targets, multi_label=self.multi_label, label_smoothing=smoothing)

    def _head_penalty(self) -> Tensor:
        """As in a logistic regression: half the squared weights, divided by C and by the number of clips."""
        strength = self.config.train.head_penalty
        weight = self.network.head.classify.weight
        if not strength:
            return weight.new_zeros(())
        # Two columns share what a binary logistic regression has in one weight: twice the penalty for the same fit.
        columns = 2 if len(weight) == 2 and not self.multi_label else 1
        return 0.5 * strength * columns * weight.square().sum() / self.clips

    def _log(self, split: str, scores: Tensor, decisions: Decisions, batch: Batch) -> None:
        n, costs = len(batch.valid), self.network.costs
        best = batch.targets.gather(1, scores.argmax(dim=1, keepdim=True)).mean()
        cost = (costs.executed(decisions) / costs.uniform(batch.valid.sum(dim=1))).mean()
        values = {f"{split}/accuracy": best, f"{split}/cost": cost.float()}
        if self.network.plan is None:
            values |= {f"{split}/share/{name}": torch.tensor(v) for name, v in decisions.shares().items()}
        if split == "train":
            values["train/multiplier"] = self.multiplier.value.clone()
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=n)

    def configure_optimizers(self) -> Any:
        groups = parameter_groups(self.network, self.config.train)
        optimizer = torch.optim.AdamW(groups)
        factor = lambda update: self.schedule.learning_rate(update / self.updates_per_epoch)  # noqa: E731
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

"""Frames as they come -> decisions and class scores. What is kept of the past does not grow.

    frame ──> due? covered? ──> crop ──> still? ──> glance ──> policy ──> the look chosen ──> head over the last window

Letters: N sources that have a frame at the same time, S sources of features, A actions, F features, K classes, H×W pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaframe.errors import UsageError
from adaframe.inference.change_detector import ChangeDetector
from adaframe.inference.frame_answer import FrameAnswer
from adaframe.inference.loaded_model import LoadedModel
from adaframe.inference.schedule import EARLY, Schedule
from adaframe.inference.sliding_window import SlidingWindow
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips
from adaframe.model.policy import MASKED, State
from adaframe.video.resize import resize_frame

# Frames a second of a model that was trained on whole files, however long: as its head counts gaps from.
WHOLE_FILE_FPS = 8.0


@dataclass(eq=False)
class _Source:
    """What is kept of one source."""

    schedule: Schedule
    recent: SlidingWindow
    state: State | None = None  # of the policy
    state_s: float = 0.0  # when that started
    changes: ChangeDetector = field(default_factory=ChangeDetector)
    moved: bool = False  # whether what was seen over the last window is not what the answer is about
    likely: NDArray[np.float64] | None = None
    strangeness: float = 0.0


@dataclass(eq=False)
class _Sampled:
    """A sampled frame.

    Args:
        source: where it is from.
        slots: how many were due by it.
        missed: how many before it should have been decided about.
        crop: what is to be decided about; None where it is left out.
    """

    source: _Source
    slots: int
    missed: int
    crop: NDArray[np.uint8] | None
    action: str = "skip"
    macs: float = 0.0


class Streaming:
    """A recogniser that sees each frame once, of any number of sources.

    Frames are sampled by time: one in each `spacing_s` of the stream, however many the camera gives; those that a skip covers
    are not even resized. Over the first window decisions and scores are those of a file's window of the same frames. From then
    on the head answers about the last window, whereas the policy's state starts anew with every window, as in files: carried
    on, its cells leave the range that they were trained in (in two of the demo's models their norm grew from 44 and 41 to 272
    and 211 within 10 000 frames), and it decides no better for it.

    Args:
        model: whose network is used.
        beta: bias of the action logits against cost; may be set at any time.
        rate: of the model's nominal sampling rate, above 0 to 1; may be set at any time.
        still: whether a picture that shows what the last one seen showed is skipped unseen, as long as the longest skip; one
            is seen in every window all the same. None: with a policy it is, of a fixed plan nothing is left out.

    Raises:
        UsageError: a plan that chooses among the frames of a whole window.
    """

    def __init__(self, model: LoadedModel, *, beta: float = 0.0, rate: float = 1.0, still: bool | None = None) -> None:
        self.model, self.network, self.metadata = model, model.network, model.metadata
        if self.network.rule is not None:
            raise UsageError(
                f"{self.metadata.plan}: a rule that chooses among the frames of a whole window cannot stream; try: adaframe "
                "classify, or a model of another policy"
            )
        self.beta, self.rate = beta, rate
        self.still = self.network.plan is None if still is None else still
        sampling = self.metadata.sampling
        self.window_s = sampling.window_s or sampling.frames / WHOLE_FILE_FPS
        self.nominal_s = self.window_s / sampling.frames
        self._price = torch.tensor(self.network.price, device=model.device)
        self._sources: dict[str, _Source] = {}

    @property
    def spacing_s(self) -> float:
        """Seconds from one sampled frame to the next."""
        return self.nominal_s / self.rate

    def due_s(self, source: str) -> float | None:
        """From when on the next frame of a source is wanted, in its own seconds; None before the first.

        While it stands still that is when it is to be looked after again: a frame before would show the same picture.
        """
        known = self._sources.get(source)
        return None if known is None else known.schedule.wanted_s(self.spacing_s)

    def late_s(self, source: str) -> float | None:
        """By when the next frame of a source that stands still is to come, in its own seconds; None: when it is due."""
        known = self._sources.get(source)
        return known.schedule.late_s if known is not None and known.schedule.resting else None

    def look_again(self, source: str) -> None:
        """The next frame of a source that stands still may show something new: it is compared, due or not."""
        known = self._sources.get(source)
        if known is not None:
            known.schedule.look_again()

    def forget(self, source: str) -> None:
        """What comes next of a source has nothing to do with what came before."""
        self._sources.pop(source, None)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Runs every part once: the first pass of a network takes many times as long as the following ones."""
        side = self.metadata.preprocess.crop
        clips = self._clips([np.zeros((side, side, 3), np.uint8)])
        self.network.all_features(clips)

    @torch.inference_mode()
    def see(self, frames: Sequence[tuple[str, NDArray[np.uint8], float]]) -> list[FrameAnswer | None]:
        """The next frame of some sources; looks at several are computed together.

        Args:
            frames: source, picture (uint8, RGB, (H, W, 3)), seconds from the source's start; each source once.

        Returns:
            For each an answer, or None where none was due (or nothing has been seen yet).
        """
        sampled = [self._sample(self._source(name, time_s), image, time_s) for name, image, time_s in frames]
        self._decide([one for one in sampled if one is not None and one.crop is not None])
        return [None if one is None else self._answer(one) for one in sampled]

    def _source(self, name: str, time_s: float) -> _Source:
        """What is kept of a source; nothing where its time jumped, back or by more than a window."""
        source = self._sources.get(name)
        if source is None or not source.schedule.continues(time_s, self.spacing_s):
            # A frame taken early, a window after another, is not in one window with it.
            window_s = self.window_s - EARLY * self.nominal_s
            recent = SlidingWindow(self.network.head, frames=self.metadata.sampling.frames, window_s=window_s)
            source = self._sources[name] = _Source(Schedule(time_s, self.window_s), recent)
        return source

    def _sample(self, source: _Source, image: NDArray[np.uint8], time_s: float) -> _Sampled | None:
        """A frame that is due: to be decided about, or left out by what was decided before. None of one that is not."""
        slots, missed = source.schedule.advance(time_s, self.spacing_s)
        if not slots:
            return None
        source.moved |= source.recent.expire(time_s)
        crop = None if self._covered(source) else self._crop(image)
        if crop is not None and self.still and self._is_still(source, crop):
            crop = None
        return _Sampled(source, slots, missed, crop)

    def _covered(self, source: _Source) -> bool:
        """Whether a sampled frame is left out unseen: by the last skip, or by a fixed plan."""
        plan = self.network.plan
        if plan is not None:
            return source.schedule.slot % plan.every != plan.every // 2
        return source.schedule.covered and len(source.recent) > 0

    def _is_still(self, source: _Source, crop: NDArray[np.uint8]) -> bool:
        """Whether a frame shows what the last one given to the network did; its answer then holds, for a window at most."""
        still = source.schedule.compare(
            same=source.changes.same(crop),
            known=len(source.recent) > 0,
            longest=max(self.network.actions.skips, default=1),
            spacing_s=self.spacing_s,
        )
        if not still:
            source.changes.keep()
        return still

    def _decide(self, sampled: list[_Sampled]) -> None:
        """Decide about one frame of each of N sources, and do so."""
        if not sampled:
            return
        network, plan = self.network, self.network.plan
        clips = self._clips([one.crop for one in sampled if one.crop is not None])
        glanced = plan is None or plan.source == "glance"
        nothing = clips.times_s.new_zeros(len(sampled), 1, network.glance_width)
        glances = network.glance_features(clips) if glanced else nothing
        if plan is None:
            chosen = self._choose([one.source for one in sampled], glances[:, 0])
        else:
            chosen = [network.actions.sources.index(plan.source)] * len(sampled)
        decisions = Decisions(
            torch.tensor(chosen, device=clips.valid.device)[:, None],
            torch.full_like(clips.valid, plan is None),
            torch.full_like(clips.valid, glanced),
            clips.valid,
            network.actions,
        )
        features = network.routed_features(clips, glances, decisions)
        projected = network.project(features, decisions.seen().float())[:, 0]
        for one, action, its in zip(sampled, chosen, projected, strict=True):
            one.macs = glanced * network.costs.glance + (plan is None) * network.costs.policy
            if action < len(network.actions.sources):
                one.source.recent.add(its, action, one.source.schedule.sampled_s)
                one.source.moved = True
                one.action = network.actions.names[action]
                one.macs += network.costs.sources()[action]
            else:
                one.source.schedule.cover(network.actions.covers[action], self.spacing_s)

    def _choose(self, sources: list[_Source], glances: Tensor) -> list[int]:
        """Glance features (N, F) -> indices of actions; skips are masked where a source has nothing seen to answer from."""
        policy, actions = self.network.policy, self.network.actions
        assert policy is not None
        for source in sources:
            if source.state is None or source.schedule.slot_s - source.state_s >= self.window_s - 1e-6:
                source.state, source.state_s = policy.start(1, glances.device), source.schedule.slot_s
        states = [source.state for source in sources if source.state is not None]
        before = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
        logits, after = policy.step(policy.embed(glances), before)
        if self.beta:
            logits = logits - self.beta * self._price
        for i, source in enumerate(sources):
            source.state = tuple(part[i : i + 1] for part in after)
            if not len(source.recent):
                logits[i, len(actions.sources) :] = MASKED
        best: list[int] = logits.argmax(dim=1).tolist()
        return best

    def _answer(self, sampled: _Sampled) -> FrameAnswer | None:
        """What is to be said at a sampled frame; where nothing was seen over the last window, the answer before holds."""
        source, macs = sampled.source, sampled.macs
        if source.moved and len(source.recent):
            summary = source.recent.summary()
            scores = self.network.head.answer(summary)[0].double()
            likely = torch.sigmoid(scores) if self.metadata.multi_label else torch.softmax(scores, dim=0)
            source.likely, source.strangeness = likely.cpu().numpy(), float(self.network.head.strangeness(summary))
            source.moved = False
            macs += self.network.costs.head
        if source.likely is None:
            return None
        uniform = sampled.slots / self.rate * self.network.costs.uniform_frame
        return FrameAnswer(source.likely, source.strangeness, sampled.action, macs, uniform, sampled.missed)

    def _crop(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame at the model's crop size; those that have it already are not resized again."""
        preprocess = self.metadata.preprocess
        if image.shape[:2] == (preprocess.crop, preprocess.crop):
            return image
        return resize_frame(image, preprocess, crop=True)

    def _clips(self, crops: list[NDArray[np.uint8]]) -> Clips:
        """N frames as clips of one frame each."""
        device = self.model.device
        images = torch.from_numpy(np.stack(crops)[:, None]).to(device)
        valid = torch.ones(len(crops), 1, dtype=torch.bool, device=device)
        return Clips(images, valid, torch.zeros(len(crops), 1, device=device))

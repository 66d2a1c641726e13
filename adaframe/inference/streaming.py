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
from adaframe.inference.recognizer import Recognizer
from adaframe.inference.sliding_window import SlidingWindow
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips
from adaframe.model.policy import MASKED, State
from adaframe.video.resize import resize_frame

# Frames a second of a model that was trained on whole files, however long: as its head counts gaps from.
WHOLE_FILE_FPS = 8.0
EARLY = (
    0.1  # of the spacing: a frame this much before its time is taken, so that jitter does not cost every second frame
)

# Of a window: how long a picture that stands still is let be. Something that neither stirs what a camera sends nor is there for
# half a window is no event of that window.
_REST = 0.5


@dataclass(frozen=True, eq=False)
class Answer:
    """What the model says at a sampled frame.

    Args:
        likely: confidence of each class, softmax or sigmoid, 0..1, float64, (K,).
        strangeness: distance of what was seen over the last window from the training clips.
        action: a look's name, glance or skip.
        macs: executed for this frame.
        macs_uniform: of looking in full at all frames of the model's nominal spacing since the last answer.
        missed: frames that should have been decided about between the last one and this, but did not come in time.
    """

    likely: NDArray[np.float64]
    strangeness: float
    action: str
    macs: float
    macs_uniform: float
    missed: int


@dataclass(eq=False)
class _Track:
    """What is kept of one source."""

    recent: SlidingWindow
    state: State | None = None  # of the policy
    state_s: float = 0.0  # when that started
    due_s: float | None = None  # when the next sampled frame is due; None before the first
    free_s: float = 0.0  # from when on frames are decided about again; before, the last skip covers them
    resting: bool = False  # whether that skip was one of a picture that stood still
    late_s: float = 0.0  # then: by when there is to be a frame
    slot_s: float = 0.0  # when the last sampled frame was due
    sampled_s: float = 0.0  # when it was captured
    slot: int = -1  # number of the sampled frame since the start, as if none had been missed
    still: ChangeDetector = field(default_factory=ChangeDetector)
    kept_s: float = 0.0  # when a picture was last given to the network
    moved: bool = False  # whether what was seen over the last window is not what the answer is about
    likely: NDArray[np.float64] | None = None
    strangeness: float = 0.0


@dataclass(eq=False)
class _Sampled:
    """A sampled frame.

    Args:
        track: of its source.
        slots: how many were due by it.
        missed: how many before it should have been decided about.
        crop: what is to be decided about; None where it is left out.
    """

    track: _Track
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
        still: whether a picture that shows what the last glance saw is skipped without a glance, as long as the longest skip;
            there is a glance in every window all the same. Of a fixed plan nothing is left out.

    Raises:
        UsageError: a plan that chooses among the frames of a whole window.
    """

    def __init__(self, model: Recognizer, *, beta: float = 0.0, rate: float = 1.0, still: bool = True) -> None:
        self.model, self.network, self.metadata = model, model.network, model.metadata
        if self.network.rule is not None:
            raise UsageError(
                f"{self.metadata.plan}: a rule that chooses among the frames of a whole window cannot stream; try: adaframe "
                "classify, or a model of another policy"
            )
        self.beta, self.rate = beta, rate
        self.still = still and self.network.plan is None
        sampling = self.metadata.sampling
        self.window_s = sampling.window_s or sampling.frames / WHOLE_FILE_FPS
        self.nominal_s = self.window_s / sampling.frames
        self._price = torch.tensor(self.network.price, device=model.device)
        self._tracks: dict[str, _Track] = {}

    @property
    def spacing_s(self) -> float:
        """Seconds from one sampled frame to the next."""
        return self.nominal_s / self.rate

    def due_s(self, source: str) -> float | None:
        """From when on the next frame of a source is wanted, in its own seconds; None before the first.

        While it stands still that is when it is to be looked after again: a frame before would show the same picture.
        """
        track = self._tracks.get(source)
        if track is None or track.due_s is None:
            return None
        return max(track.due_s, track.free_s if track.resting else 0.0) - EARLY * self.spacing_s

    def late_s(self, source: str) -> float | None:
        """By when the next frame of a source that stands still is to come, in its own seconds; None: when it is due."""
        track = self._tracks.get(source)
        return track.late_s if track is not None and track.resting else None

    def look_again(self, source: str) -> None:
        """The next frame of a source that stands still may show something new: it is compared, due or not."""
        track = self._tracks.get(source)
        if track is not None and track.resting:
            track.free_s = track.slot_s

    def forget(self, source: str) -> None:
        """What comes next of a source has nothing to do with what came before."""
        self._tracks.pop(source, None)

    @torch.inference_mode()
    def warm_up(self) -> None:
        """Runs every part once: the first pass of a network takes many times as long as the following ones."""
        side = self.metadata.preprocess.crop
        clips = self._clips([np.zeros((side, side, 3), np.uint8)])
        self.network.all_features(clips)

    @torch.inference_mode()
    def see(self, frames: Sequence[tuple[str, NDArray[np.uint8], float]]) -> list[Answer | None]:
        """The next frame of some sources; looks at several are computed together.

        Args:
            frames: source, picture (uint8, RGB, (H, W, 3)), seconds from the source's start; each source once.

        Returns:
            For each an answer, or None where none was due (or nothing has been seen yet).
        """
        sampled: list[_Sampled | None] = []
        for source, image, time_s in frames:
            track = self._track(source, time_s)
            before_s = track.due_s
            slots = self._slots(track, time_s)
            # Of those that went by, the ones that were free to be decided about.
            free_s = (
                track.late_s + self.spacing_s if track.resting else track.free_s
            )  # the one at that time, or the next
            missed = sum(before_s + n * self.spacing_s > free_s - 1e-6 for n in range(slots - 1)) if before_s else 0
            sampled.append(self._sample(track, slots, missed, image, time_s) if slots else None)
        self._decide([one for one in sampled if one is not None and one.crop is not None])
        return [None if one is None else self._answer(one) for one in sampled]

    def _sample(self, track: _Track, slots: int, missed: int, image: NDArray[np.uint8], time_s: float) -> _Sampled:
        """A frame that is due: to be decided about, or left out by what was decided before."""
        track.moved |= track.recent.expire(time_s)
        crop = None if self._covered(track) else self._crop(image)
        if crop is not None and self.still and self._is_still(track, crop):
            crop = None
        return _Sampled(track, slots, missed, crop)

    # -- time ----------------------------------------------------------------------------------------------------------

    def _track(self, source: str, time_s: float) -> _Track:
        """What is kept of a source; nothing where its time jumped, back or by more than a window."""
        track = self._tracks.get(source)
        if track is None or not 0 <= time_s - track.sampled_s <= self.window_s + 2 * self.spacing_s:
            # A frame taken early, a window after another, is not in one window with it.
            window_s = self.window_s - EARLY * self.nominal_s
            recent = SlidingWindow(self.network.head, frames=self.metadata.sampling.frames, window_s=window_s)
            track = self._tracks[source] = _Track(recent, sampled_s=time_s)
        return track

    def _slots(self, track: _Track, time_s: float) -> int:
        """How many sampled frames have come due by this one: 0 where it lies between two; more where frames were missed."""
        if track.due_s is None:
            track.due_s = time_s
        slots = int((time_s - track.due_s) / self.spacing_s + 1 + EARLY)
        if slots <= 0:
            return 0
        track.slot_s = track.due_s + (slots - 1) * self.spacing_s
        track.due_s = track.slot_s + self.spacing_s
        track.slot += slots
        track.sampled_s = time_s
        return slots

    def _covered(self, track: _Track) -> bool:
        """Whether a sampled frame is left out unseen: by the last skip, or by a fixed plan."""
        plan = self.network.plan
        if plan is not None:
            return track.slot % plan.every != plan.every // 2
        return track.slot_s < track.free_s - 1e-6 and len(track.recent) > 0

    def _cover(self, track: _Track, frames: int) -> None:
        """The last sampled frame's decision holds for so many, itself among them."""
        track.free_s = track.slot_s + frames * self.spacing_s

    def _is_still(self, track: _Track, crop: NDArray[np.uint8]) -> bool:
        """Whether a frame shows what the last one given to the network did; its answer then holds, for a window at most."""
        track.resting = track.still.same(crop)
        left = round((track.kept_s + self.window_s - track.slot_s) / self.spacing_s)
        still = track.resting and len(track.recent) > 0 and left > 0
        if still:
            self._cover(track, min(max(self.network.actions.skips, default=1), left))
        else:
            track.still.keep()
            track.kept_s = track.slot_s
        track.late_s = min(track.slot_s + _REST * self.window_s, track.kept_s + self.window_s)
        return still

    # -- the network ---------------------------------------------------------------------------------------------------

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
            chosen = self._choose([one.track for one in sampled], glances[:, 0])
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
                one.track.recent.add(its, action, one.track.sampled_s)
                one.track.moved = True
                one.action = network.actions.names[action]
                one.macs += network.costs.sources()[action]
            else:
                self._cover(one.track, network.actions.covers[action])

    def _choose(self, tracks: list[_Track], glances: Tensor) -> list[int]:
        """Glance features (N, F) -> indices of actions; skips are masked where a source has nothing seen to answer from."""
        policy, actions = self.network.policy, self.network.actions
        assert policy is not None
        for track in tracks:
            if track.state is None or track.slot_s - track.state_s >= self.window_s - 1e-6:
                track.state, track.state_s = policy.start(1, glances.device), track.slot_s
        states = [track.state for track in tracks if track.state is not None]
        before = tuple(torch.cat(parts) for parts in zip(*states, strict=True))
        logits, after = policy.step(policy.embed(glances), before)
        if self.beta:
            logits = logits - self.beta * self._price
        for i, track in enumerate(tracks):
            track.state = tuple(part[i : i + 1] for part in after)
            if not len(track.recent):
                logits[i, len(actions.sources) :] = MASKED
        best: list[int] = logits.argmax(dim=1).tolist()
        return best

    def _answer(self, sampled: _Sampled) -> Answer | None:
        """What is to be said at a sampled frame; where nothing was seen over the last window, the answer before holds."""
        track, macs = sampled.track, sampled.macs
        if track.moved and len(track.recent):
            summary = track.recent.summary()
            scores = self.network.head.answer(summary)[0].double()
            likely = torch.sigmoid(scores) if self.metadata.multi_label else torch.softmax(scores, dim=0)
            track.likely, track.strangeness = likely.cpu().numpy(), float(self.network.head.strangeness(summary))
            track.moved = False
            macs += self.network.costs.head
        if track.likely is None:
            return None
        uniform = sampled.slots / self.rate * self.network.costs.uniform_frame
        return Answer(track.likely, track.strangeness, sampled.action, macs, uniform, sampled.missed)

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

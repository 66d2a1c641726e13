"""A trained model, ready for files and frames. Letters: W windows, T sampled frames, K classes, H×W pixels."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from adaframe.errors import UsageError, VideoError
from adaframe.inference.prediction import Prediction
from adaframe.model import answer
from adaframe.model.actions import Decisions, concatenated
from adaframe.model.checkpoint import load_network
from adaframe.model.metadata import Metadata
from adaframe.model.network import Clips, Network
from adaframe.video import ClipFrames, read_clip, resize_frames


def load(checkpoint: str | Path | None = None, *, device: str = "auto", budget: float | None = None) -> Recognizer:
    """Load a model.

    Args:
        checkpoint: a model.safetensors; None for the bundled example model.
        device: auto (a GPU if there is one), cpu, cuda, cuda:1, mps.
        budget: upper bound on mean cost as a fraction of uniform's; None keeps to what the model was trained for.

    Raises:
        CheckpointError: not an adaframe checkpoint.
    """
    from adaframe.bundled import checkpoint_path

    path = Path(checkpoint) if checkpoint is not None else checkpoint_path("example.safetensors")
    network, metadata = load_network(path, device=pick_device(device))
    # Folded batch norms give the same scores for fewer passes over memory; a folded network can no longer be trained.
    network.fuse()
    return Recognizer(network, metadata, budget=budget)


def pick_device(name: str) -> torch.device:
    """auto | cpu | cuda[:N] | mps -> device; a device that is not there is a UsageError."""
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"device {name}: not known; try: auto, cpu, cuda or mps") from None
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(device.type, False):
        raise UsageError(f"device {name}: not available here; try: --device cpu")
    return device


class Recognizer:
    """A network with what its checkpoint knows: classes, sampling, preprocessing, calibration.

    Args:
        network: in eval mode.
        metadata: of the checkpoint.
        budget: upper bound on mean cost; None for the one it was trained for.
    """

    def __init__(self, network: Network, metadata: Metadata, *, budget: float | None = None) -> None:
        self.network, self.metadata = network, metadata
        self.budget = budget
        self.device = next(network.parameters()).device
        self._price = torch.tensor(network.costs.price(network.actions), device=self.device)
        metadata.beta_for(budget)  # Too small a budget is said here, not at the first file.

    @property
    def classes(self) -> tuple[str, ...]:
        return self.metadata.classes

    def classify(
        self,
        path: str | Path,
        *,
        budget: float | None = None,
        window_s: float | None = None,
        stride_s: float | None = None,
        decode: str = "auto",
    ) -> Prediction:
        """Recognise a video file.

        Args:
            path: of the file.
            budget: upper bound on cost as a fraction of uniform's; None for the recogniser's own.
            window_s: length of the windows that a long file is cut into; None for the model's.
            stride_s: from the start of a window to the next; None spreads them evenly.
            decode: exact, fast (key frames instead, where there are enough) or auto; see ClipRequest.

        Raises:
            VideoError: the file cannot be used.
        """
        return self.classify_parts(str(path), self._read(str(path), window_s, stride_s, decode), budget=budget)

    def classify_frames(
        self, frames: np.ndarray, *, times_s: np.ndarray | None = None, budget: float | None = None
    ) -> Prediction:
        """Recognise frames that were sampled already.

        Args:
            frames: uint8, RGB, (n, H, W, 3), any n from 1; of the model's crop size they are not resized again.
            times_s: seconds, (n,); None for the checkpoint's nominal spacing.
            budget: as for classify.
        """
        frames = np.asarray(frames)
        if frames.dtype != np.uint8 or frames.ndim != 4 or frames.shape[3] != 3 or not frames.size:
            raise UsageError(f"frames must be uint8 (T, H, W, 3), none of them 0, not {frames.dtype} {frames.shape}")
        crops = resize_frames(frames, self.metadata.preprocess)
        n = len(crops)
        spacing = (self.metadata.sampling.window_s or float(n)) / self.metadata.sampling.frames
        times = np.asarray(np.arange(n) * spacing if times_s is None else times_s, dtype=np.float64)
        if times.shape != (n,):
            raise UsageError(f"times_s must be ({n},), one for each frame, not {times.shape}")
        part = ClipFrames(
            path="",
            images=crops[None],
            times_s=times[None],
            indices=np.arange(n)[None],
            valid=np.ones((1, n), dtype=bool),
            start_s=times[:1],
            end_s=times[-1:] + spacing,
            windows_total=1,
            decode_s=0.0,
            warnings=(),
            reader="memory",
        )
        return self.classify_parts("", [part], budget=budget)

    def classify_many(
        self, paths: Iterable[str | Path], *, budget: float | None = None, workers: int = 0
    ) -> Iterator[Prediction | VideoError]:
        """Recognise many files, in order; a file that fails gives its error as a value. Decoding runs in child processes."""
        from adaframe.inference.folder import recognise_paths
        from adaframe.video import DecodePool

        with DecodePool(workers=workers) as pool:
            yield from recognise_paths(lambda: self, self.metadata, paths, pool, budget=budget)

    def classify_parts(self, path: str, parts: Iterable[ClipFrames], *, budget: float | None = None) -> Prediction:
        """Recognise a file whose windows come in parts; one part is held in memory at a time (the first is kept to draw)."""
        total = _Sum()
        beta = self.metadata.beta_for(self.budget if budget is None else budget)
        for part in parts:
            started = time.perf_counter()
            summary, decisions = self._summarise(part.images, part.valid, part.times_s, beta)
            with torch.inference_mode():
                scores = self.network.head.answer(summary).float().cpu()
                strangeness = self.network.head.strangeness(summary).cpu()
            seconds = time.perf_counter() - started
            total.add(part, scores, strangeness, decisions, self.network, seconds)
        return total.prediction(path, self.metadata)

    @torch.inference_mode()
    def recognise(
        self, images: np.ndarray, valid: np.ndarray, times_s: np.ndarray, *, beta: float = 0.0
    ) -> tuple[Tensor, Decisions]:
        """Class scores (W, K) and decisions of W windows.

        Args:
            images: uint8, RGB, (W, T, H, W, 3), at the model's crop size.
            valid: bool, (W, T), a prefix of each row.
            times_s: seconds, (W, T).
            beta: bias of the action logits against cost.
        """
        summary, decisions = self._summarise(images, valid, times_s, beta)
        return self.network.head.answer(summary), decisions

    @torch.inference_mode()
    def _summarise(
        self, images: np.ndarray, valid: np.ndarray, times_s: np.ndarray, beta: float
    ) -> tuple[Tensor, Decisions]:
        relative = np.where(valid, times_s - times_s[:, :1], 0.0)
        clips = Clips(
            torch.from_numpy(np.ascontiguousarray(images)).to(self.device),
            torch.from_numpy(np.ascontiguousarray(valid)).to(self.device),
            torch.from_numpy(relative.astype(np.float32)).to(self.device),
        )
        return self.network.summarise(clips, bias=-beta * self._price[None] if beta else None)

    def _read(self, path: str, window_s: float | None, stride_s: float | None, decode: str) -> Iterator[ClipFrames]:
        for name, seconds in (("window_s", window_s), ("stride_s", stride_s)):
            if seconds is not None and not 0 < seconds < float("inf"):
                raise UsageError(f"{name} must be seconds, above 0, not {seconds:g}")
        request = self.metadata.request(path, window_s=window_s, stride_s=stride_s, decode=decode)
        part = read_clip(request)
        yield part
        for first in range(request.max_windows, part.windows_total, request.max_windows):
            yield read_clip(replace(request, first_window=first))


class _Sum:
    """Adds up the windows of one file."""

    def __init__(self) -> None:
        self.parts: list[tuple[ClipFrames, Tensor, Decisions]] = []
        self.strangeness: list[Tensor] = []
        self.crops: np.ndarray | None = None
        self.macs = self.uniform = self.model_s = 0.0

    def add(
        self,
        part: ClipFrames,
        scores: Tensor,
        strangeness: Tensor,
        decisions: Decisions,
        network: Network,
        seconds: float,
    ) -> None:
        if self.crops is None:
            self.crops = part.images
        self.macs += float(network.costs.executed(decisions).sum())
        self.uniform += float(network.costs.uniform(decisions.valid.sum(dim=1)).sum())
        self.model_s += seconds
        self.strangeness.append(strangeness)
        # A copy: a view of no frames would still hold all of them.
        self.parts.append((replace(part, images=part.images[:0].copy()), scores, decisions))

    def prediction(self, path: str, metadata: Metadata) -> Prediction:
        scores = torch.cat([s for _, s, _ in self.parts])
        decisions = concatenated([d for _, _, d in self.parts])
        logits = scores.mean(dim=0)
        probabilities = _probabilities(scores, metadata.multi_label)
        overall = _probabilities(logits[None], metadata.multi_label)[0]
        top = sorted(zip(metadata.classes, overall.tolist(), strict=True), key=lambda pair: -pair[1])
        confidence = float(answer.confidence(overall[None].numpy(), multi_label=metadata.multi_label)[0])
        names = [name for w in range(len(scores)) for name in decisions.names(w)]
        files = [part for part, _, _ in self.parts]
        index = np.concatenate([p.indices[p.valid] for p in files]).tolist()
        times = np.concatenate([p.times_s[p.valid] for p in files]).tolist()
        timeline = []
        if len(scores) > 1:
            starts, ends = np.concatenate([p.start_s for p in files]), np.concatenate([p.end_s for p in files])
            sure = answer.confidence(probabilities.numpy(), multi_label=metadata.multi_label)
            for start, end, row, share in zip(starts.tolist(), ends.tolist(), probabilities, sure, strict=True):
                timeline.append(
                    {
                        "start_s": round(start, 3),
                        "end_s": round(end, 3),
                        "label": _label(row, metadata),
                        "confidence": round(float(share), 4),
                    }
                )
        return Prediction(
            path=path,
            label=_label(overall, metadata),
            confidence=confidence,
            unsure=metadata.is_unsure(confidence, float(torch.cat(self.strangeness).mean())),
            top=top,
            logits=logits.numpy(),
            decisions=decisions,
            frames=[
                {"index": int(i), "time_s": round(t, 3), "action": a}
                for i, t, a in zip(index, times, names, strict=True)
            ],
            gmacs=self.macs / 1e9,
            gmacs_uniform=self.uniform / 1e9,
            seconds={"decode": sum(p.decode_s for p in files), "model": self.model_s},
            timeline=timeline,
            warnings=tuple(dict.fromkeys(w for p in files for w in p.warnings)),
            crops=self.crops,
            model=metadata.model,
        )


def _label(likely: Tensor, metadata: Metadata) -> str | list[str]:
    """What confidences (K,) name: a class; of a multi-label model the list of those that hold, likeliest first."""
    chosen = answer.named(likely[None].numpy(), multi_label=metadata.multi_label)[0]
    names = [metadata.classes[int(k)] for k in likely.argsort(descending=True, stable=True) if chosen[int(k)]]
    return names if metadata.multi_label else names[0]


def _probabilities(scores: Tensor, multi_label: bool) -> Tensor:
    return torch.sigmoid(scores) if multi_label else torch.softmax(scores, dim=-1)

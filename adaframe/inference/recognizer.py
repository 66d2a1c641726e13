"""A trained model, ready for files and frames. Letters: W windows, T sampled frames, K classes, H×W pixels."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from adaframe.errors import UsageError, VideoError
from adaframe.inference.key_frames_first import first_step, second_step
from adaframe.inference.many_files import recognise_paths
from adaframe.inference.moment import Event, Moment
from adaframe.inference.prediction import Prediction
from adaframe.inference.scan import merged, unsettled
from adaframe.inference.total import Recognised, Total
from adaframe.inference.watch import watch
from adaframe.model.actions import Decisions
from adaframe.model.checkpoint import load_network
from adaframe.model.memory import keep_freed_memory
from adaframe.model.metadata import Metadata
from adaframe.model.network import Clips, Network
from adaframe.video import ClipFrames, ClipRequest, DecodePool, read_clip, resize_frames


def load(checkpoint: str | Path | None = None, *, device: str = "auto", budget: float | None = None) -> Recognizer:
    """Load a model.

    Args:
        checkpoint: a model.safetensors; None for the bundled example model.
        device: auto (a GPU if there is one), cpu, cuda, cuda:1, mps.
        budget: upper bound on mean cost as a fraction of uniform's; None keeps to what the model was trained for.

    From then on the process keeps up to 1 GB of memory that it has freed (see `adaframe.model.memory`; glibc alone).

    Raises:
        CheckpointError: not an adaframe checkpoint.
    """
    from adaframe.bundled import checkpoint_path

    path = Path(checkpoint) if checkpoint is not None else checkpoint_path("example.safetensors")
    network, metadata = load_network(path, device=pick_device(device))
    keep_freed_memory()
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
        self._price = torch.tensor(network.price, device=self.device)
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
            decode: exact, fast (key frames instead, where there are enough or they settle it) or auto; see ClipRequest.

        Raises:
            VideoError: the file cannot be used.
        """
        for name, seconds in (("window_s", window_s), ("stride_s", stride_s)):
            if seconds is not None and not 0 < seconds < float("inf"):
                raise UsageError(f"{name} must be seconds, above 0, not {seconds:g}")
        request = self.metadata.request(str(path), window_s=window_s, stride_s=stride_s, decode=decode)
        request = first_step(request, self.metadata)
        total, beta = Total(str(path), self.metadata), self._beta(budget)
        for part in self._read(request):
            recognised = self.recognise_parts([part], beta=beta)[0]
            if windows := unsettled(recognised, self.metadata):
                exact = self.recognise_parts([read_clip(second_step(request, windows))], beta=beta)[0]
                recognised = merged(recognised, exact, self.metadata)
            total.add(recognised)
        return total.prediction()

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
        beta = self._beta(budget)
        with DecodePool(workers=workers) as pool:
            yield from recognise_paths(lambda: self, self.metadata, paths, pool, beta=beta)

    def classify_parts(self, path: str, parts: Iterable[ClipFrames], *, budget: float | None = None) -> Prediction:
        """Recognise a file whose windows come in parts; one part is held in memory at a time (the first is kept to draw)."""
        total, beta = Total(path, self.metadata), self._beta(budget)
        for part in parts:
            total.add(self.recognise_parts([part], beta=beta)[0])
        return total.prediction()

    def recognise_parts(self, parts: Sequence[ClipFrames], *, beta: float = 0.0) -> list[Recognised]:
        """Recognise windows of one or several files as one batch; what came of each part, in their order.

        Args:
            parts: one at least, all of as many frames a window.
            beta: bias of the action logits against cost.
        """
        started = time.perf_counter()
        images, valid, times_s = (
            np.concatenate([getattr(part, name) for part in parts]) if len(parts) > 1 else getattr(parts[0], name)
            for name in ("images", "valid", "times_s")
        )
        summary, decisions = self._summarise(images, valid, times_s, beta)
        with torch.inference_mode():
            scores = self.network.head.answer(summary).float().cpu()
            strangeness = self.network.head.strangeness(summary).cpu()
        sizes = [len(part.images) for part in parts]
        costs, split = self.network.costs, decisions.cpu().split(sizes)
        macs = [float(costs.executed(d).sum()) for d in split]
        uniform = [float(costs.uniform(d.valid.sum(dim=1)).sum()) for d in split]
        seconds = time.perf_counter() - started
        shares = [m / sum(macs) if sum(macs) else 1 / len(macs) for m in macs]
        rows = zip(
            parts,
            scores.split(sizes),
            strangeness.split(sizes),
            split,
            macs,
            uniform,
            [seconds * share for share in shares],
            strict=True,
        )
        return [Recognised(*row) for row in rows]

    def stream(
        self,
        source: str | Sequence[str],
        *,
        budget: float | None = None,
        max_load: float | None = None,
        latency_ms: float | None = None,
        every_frame: bool = False,
        still: bool = True,
        max_seconds: float | None = None,
        stop: Callable[[], bool] | None = None,
    ) -> Iterator[Moment | Event]:
        """Recognise what happens in front of cameras: `adaframe.inference.watch.watch` with this model.

        Args:
            source: webcam by index, URL, or file that is played; or several.
        """
        return watch(
            self,
            [source] if isinstance(source, str) else source,
            budget=budget,
            max_load=max_load,
            latency_ms=latency_ms,
            every_frame=every_frame,
            still=still,
            max_seconds=max_seconds,
            stop=stop,
        )

    def _beta(self, budget: float | None) -> float:
        return self.metadata.beta_for(self.budget if budget is None else budget)

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

    def _read(self, request: ClipRequest) -> Iterator[ClipFrames]:
        part = read_clip(request)
        yield part
        for first in range(request.max_windows, part.windows_total, request.max_windows):
            yield read_clip(replace(request, first_window=first))

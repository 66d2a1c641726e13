"""What a recognition returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adaframe.config import Model
from adaframe.errors import AdaframeError
from adaframe.inference.timeline import Windows
from adaframe.model.actions import Decisions
from adaframe.model.answer import in_words

WINDOWS_IN_A_STRIP = 3  # frames of more do not fit


@dataclass(frozen=True, eq=False)
class Prediction:
    """What happens in one video, and what it took to say so.

    Letters: W windows, T sampled frames, K classes.

    Args:
        path: of the file; "" for frames from memory.
        label: of the most likely class; of multi-label models the list of the classes with a confidence of at least 0.5,
            likeliest first: [] where none has.
        confidence: of the label, 0..1; of several that of the least likely one named, and of [] that of none of them holding
            (1 - that of the most likely class).
        unsure: whether the confidence is lower, or the video further from those learnt from, than nearly all that the model
            answered rightly on validation clips (multi-label: where it named exactly the clip's labels).
        top: every class with its confidence, most likely first; of multi-label models they need not sum to 1.
        logits: class scores before softmax or sigmoid, float32, (K,), in the order of the model's classes.
        decisions: what was chosen, one row a window, (W, T).
        frames: per sampled frame: "index" in the file, "time_s", "action".
        gmacs: 1e9 multiply-adds executed.
        gmacs_uniform: of looking at every sampled frame in full.
        seconds: spent on "decode" and "model"; of a batch of several files each has the share of its executed MACs.
        timeline: per window, where there are several: "start_s", "end_s", "label" (as above), "confidence".
        warnings: about a partly damaged file.
        crops: uint8, RGB, (W, T, c, c, 3): what the model was given, for the film strip; None of more than three windows,
            and where too many answers had to wait for that of an earlier file.
        windows: what the timeline's figure tells beside the answers.
        model: the model's configuration, for the figure.
    """

    path: str
    label: str | list[str]
    confidence: float
    unsure: bool
    top: list[tuple[str, float]]
    logits: np.ndarray
    decisions: Decisions
    frames: list[dict[str, Any]]
    gmacs: float
    gmacs_uniform: float
    seconds: dict[str, float]
    timeline: list[dict[str, Any]] = field(default_factory=list)
    warnings: tuple[str, ...] = ()
    crops: np.ndarray | None = field(default=None, repr=False)
    windows: Windows | None = field(default=None, repr=False)
    model: Model | None = field(default=None, repr=False)

    def to_json(self, top_k: int = 5) -> dict[str, Any]:
        """The keys of one line of `adaframe classify --json`."""
        row: dict[str, Any] = {
            "path": self.path,
            "label": self.label,
            "confidence": round(self.confidence, 4),
            "unsure": self.unsure,
            "top": [{"label": label, "confidence": round(c, 4)} for label, c in self.top[:top_k]],
            "frames": self.frames,
            "gmacs": round(self.gmacs, 6),
            "gmacs_uniform": round(self.gmacs_uniform, 6),
            "seconds": {k: round(v, 4) for k, v in self.seconds.items()},
        }
        if self.timeline:
            row["timeline"] = self.timeline
        if self.warnings:
            row["warnings"] = list(self.warnings)
        return row

    def draw(self, path: str | Path) -> None:
        """Write what the policy did as PNG: of up to three windows the film strip (which frames were looked at how large,
        which were skipped), of more the timeline (what happens when, how sure that is, what was spent on it).

        Raises:
            AdaframeError: the file cannot be written, or the pictures were not kept.
        """
        if self.windows is not None and len(self.windows.share) > WINDOWS_IN_A_STRIP:
            self._draw_timeline(Path(path), self.windows)
        elif self.crops is not None and self.model is not None:
            self._draw_strip(Path(path), self.crops, self.model)
        else:
            raise AdaframeError(f"{self.path}: its pictures were not kept; try: classify it alone")

    def _draw_timeline(self, path: Path, windows: Windows) -> None:
        from adaframe.evaluation.report.timeline import Spans, timeline_figure

        labels = [window["label"] for window in self.timeline]
        spans = Spans(
            start_s=np.array([window["start_s"] for window in self.timeline]),
            end_s=np.array([window["end_s"] for window in self.timeline]),
            labels=[(label,) if isinstance(label, str) else tuple(label) for label in labels],
            confidence=np.array([window["confidence"] for window in self.timeline]),
            unsure=windows.unsure,
            share=windows.share,
        )
        stills = [(still.time_s, still.picture) for still in windows.stills]
        timeline_figure(path, spans, stills=stills, **self._headline())

    def _draw_strip(self, path: Path, crops: np.ndarray, model: Model) -> None:
        from adaframe.evaluation.report.film import film_strip

        valid = self.decisions.valid.cpu().numpy()
        film_strip(
            path,
            thumbnails=crops[valid],
            times_s=np.array([f["time_s"] for f in self.frames]),
            actions=[f["action"] for f in self.frames],
            look_pixels={look.name: look.pixels for look in model.looks} | {"glance": model.glance.pixels},
            crop=model.preprocess.crop,
            timeline=[(t["start_s"], t["end_s"], in_words(t["label"]), t["confidence"]) for t in self.timeline],
            **self._headline(),
        )

    def _headline(self) -> dict[str, Any]:
        """What both figures say above."""
        return {
            "title_label": in_words(self.label),
            "confidence": self.confidence,
            "unsure": self.unsure,
            "gmacs": self.gmacs,
            "gmacs_uniform": self.gmacs_uniform,
            "source": Path(self.path).name,
            "top": self.top[:5],
        }

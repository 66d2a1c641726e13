"""What a recognition returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from adaframe.config import Model
from adaframe.model.actions import Decisions
from adaframe.model.answer import in_words


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
        crops: uint8, RGB, (W, T, c, c, 3): what the model was given in the first windows, for the figure.
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
        """Write the film strip: which frames were looked at how large, which were skipped, the label and the cost (PNG)."""
        from adaframe.evaluation.figures import film_strip

        assert self.crops is not None
        assert self.model is not None
        valid = self.decisions.valid.cpu().numpy()[: len(self.crops)]
        drawn = self.frames[: int(valid.sum())]
        pixels = {look.name: look.pixels for look in self.model.looks} | {"glance": self.model.glance.pixels}
        film_strip(
            Path(path),
            thumbnails=self.crops[valid],
            times_s=np.array([f["time_s"] for f in drawn]),
            actions=[f["action"] for f in drawn],
            look_pixels=pixels,
            crop=self.model.preprocess.crop,
            title_label=in_words(self.label),
            confidence=self.confidence,
            unsure=self.unsure,
            gmacs=self.gmacs,
            gmacs_uniform=self.gmacs_uniform,
            source=Path(self.path).name,
            top=self.top[:5],
            timeline=[(t["start_s"], t["end_s"], in_words(t["label"]), t["confidence"]) for t in self.timeline],
        )

"""What a checkpoint says about itself, read without torch: the JSON in a safetensors header."""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Optional

from adaframe.config import Model, Preprocess, Sampling
from adaframe.config_io import from_dict, to_dict
from adaframe.errors import AdaframeError, CheckpointError
from adaframe.model.cost import Costs
from adaframe.video import ClipRequest

FORMAT = "adaframe-1"
HEADER_LIMIT = 100_000_000  # safetensors' own limit on its header, in bytes


@dataclass(frozen=True)
class CalibrationPoint:
    """One place on the curve along which a checkpoint can move.

    Args:
        beta: bias of the action logits, -beta times each action's price.
        cost: mean executed cost on files, as a fraction of uniform's.
        cost_stream: the same, had covered frames not been glanced at.
        accuracy: on the clips of the calibration, 0..1; of a multi-label model its mAP (NaN: no clip had a label).
    """

    beta: float
    cost: float
    cost_stream: float
    accuracy: float


@dataclass(frozen=True)
class Metadata:
    """All of a checkpoint but its tensors.

    Args:
        model: the configuration of the network, with sampling, preprocessing and scope.
        plan: adaptive, or a baseline's fixed plan.
        classes: names of the K classes, in the order of the scores.
        multi_label: whether several classes may hold at once (sigmoid instead of softmax).
        costs: MACs of the parts.
        calibration: places on the curve, from the most compute to the least.
        budget: that it was trained for, as a fraction of uniform's cost.
        unsure_below: an answer with less confidence than this is called unsure,
        strange_above: and so is one about a video that is further than this from those it learnt from (see
            `adaframe.model.temporal.Head.strangeness`); 0 where that is not known.
        training: facts about its making, for `adaframe info` and the model card.
        prices: what its budget counts in the place of MACs, if it does: milliseconds or joules of the parts.
    """

    model: Model
    plan: str
    classes: tuple[str, ...]
    multi_label: bool
    costs: Costs
    calibration: tuple[CalibrationPoint, ...] = ()
    budget: float = 1.0
    unsure_below: float = 0.0
    strange_above: float = 0.0
    training: dict[str, Any] = field(default_factory=dict)
    prices: Optional[Costs] = None

    @property
    def judged_by(self) -> str:
        """What the calibration's `accuracy` is, in words: accuracy, or mAP where several classes may hold at once."""
        return "mAP" if self.multi_label else "accuracy"

    @property
    def counted(self) -> Costs:
        """What its budget is a fraction of, and its calibration in terms of."""
        return self.prices or self.costs

    @property
    def sampling(self) -> Sampling:
        return self.model.sampling

    @property
    def preprocess(self) -> Preprocess:
        return self.model.preprocess

    @property
    def scope(self) -> str:
        return self.model.scope

    def beta_for(self, budget: float | None) -> float:
        """The least bias whose cost on the calibration clips keeps to the budget (a fraction of uniform's cost).

        None stands for the budget it was trained for. A budget that the model keeps to without a bias gives 0: what
        buys nothing is not spent. A fixed plan has no curve to move along: 0.

        Raises:
            AdaframeError: the budget is below the cheapest that this model can do.
        """
        if not self.calibration:
            return 0.0
        if budget is None:
            budget = max(self.budget, min(p.cost for p in self.calibration))
        # A point that was measured, not one between two: cost falls in jumps, and between them it may be the dearer one.
        for point in sorted(self.calibration, key=lambda p: p.beta):
            if point.cost <= budget:
                return point.beta
        floor = min(p.cost for p in self.calibration)
        raise AdaframeError(
            f"budget {budget:g} is below what this model can do: its cheapest answers cost {floor:.3f} of "
            f"{self.counted.of_uniform}; try: --budget {floor + 0.005:.2f}, or a model with a smaller glance"
        )

    def is_unsure(self, confidence: float, strangeness: float) -> bool:
        """Whether an answer is less sure than those that were right on validation clips mostly are."""
        return confidence < self.unsure_below or (self.strange_above > 0 and strangeness > self.strange_above)

    def request(
        self, path: str, *, window_s: float | None = None, stride_s: float | None = None, decode: str = "auto"
    ) -> ClipRequest:
        """What a decoding process needs to know to read a file as this model was trained."""
        return ClipRequest(
            path=path,
            sampling=self.sampling,
            preprocess=self.preprocess,
            window_s=window_s,
            stride_s=stride_s,
            decode=decode,
        )

    def to_json(self) -> str:
        plain = {**to_dict(replace(self, training={})), "training": self.training}
        return json.dumps({"format": FORMAT, **plain})


def read_metadata(path: str | Path) -> Metadata:
    """Metadata of an adaframe checkpoint; nothing in the file is executed.

    Raises:
        CheckpointError: no such file, or not an adaframe checkpoint (pickles are refused).
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            start = file.read(8)
            length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
            if not 2 <= length <= min(HEADER_LIMIT, path.stat().st_size - 8):
                # Only asked of what is no safetensors: a header's length may begin with the same two bytes.
                if start[:2] in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
                    raise CheckpointError(
                        f"{path}: a pickle or zip, as torch.save writes; refused, since loading one can run code; "
                        f"try: the model.safetensors that adaframe train leaves"
                    )
                raise CheckpointError(
                    f"{path}: not an adaframe checkpoint (no safetensors header); try: a model.safetensors"
                )
            header = json.loads(file.read(length))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror}); try: another --checkpoint") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: not an adaframe checkpoint (its header is no JSON)") from error
    own = header.get("__metadata__") if isinstance(header, dict) else None
    if not isinstance(own, dict) or "adaframe" not in own:
        raise CheckpointError(
            f"{path}: safetensors, but not an adaframe checkpoint (no adaframe metadata); try: a model.safetensors"
        )
    try:
        values = json.loads(own["adaframe"])
        version = values.pop("format")
        if version != FORMAT:
            raise CheckpointError(
                f"{path}: made by another version of adaframe (format {version}, this one reads {FORMAT})"
            )
        training = values.pop("training", {})
        return replace(from_dict(Metadata, values), training=training)
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError, AdaframeError) as error:
        if isinstance(error, CheckpointError):
            raise
        raise CheckpointError(f"{path}: its adaframe metadata are damaged ({error})") from error

"""What a checkpoint or a video is, in words. Reads headers only, so it answers at once."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from adaframe.config import Glance, Look, Preprocess, Sampling
from adaframe.model.metadata import Metadata, read_metadata
from adaframe.video import probe

_WEIGHTS = (".safetensors", ".pth", ".pt", ".ckpt")
# State that is kept with the weights, but is not learned by gradients.
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked", "mean", "std")
_CLASSES_SHOWN, _KEY_FRAMES_SHOWN = 20, 8

Rows = list[tuple[str, str]]


def describe(path: str | Path) -> str:
    """Lines that say what a file is.

    Args:
        path: of an adaframe checkpoint or of a video.

    Raises:
        CheckpointError: weights, but no adaframe checkpoint.
        VideoError: neither weights nor a video that can be used.
    """
    path = Path(path)
    return _checkpoint(path) if path.suffix.lower() in _WEIGHTS or _is_safetensors(path) else _video(path)


def _is_safetensors(path: Path) -> bool:
    """Whether a file of any name starts like one."""
    try:
        with path.open("rb") as file:
            start = file.read(9)
        return len(start) == 9 and start[8:] == b"{" and struct.unpack("<Q", start[:8])[0] < path.stat().st_size
    except OSError:
        return False


# -- checkpoints -------------------------------------------------------------------------------------------------------


def _checkpoint(path: Path) -> str:
    metadata = read_metadata(path)
    model, costs = metadata.model, metadata.costs
    looks = _looks(metadata)
    rows: Rows = [
        ("classes", _classes(metadata)),
        ("scope", metadata.scope or "not said"),
        ("policy", _policy(metadata)),
        ("frames", _sampling(model.sampling)),
        ("picture", _preprocess(model.preprocess)),
    ]
    if costs.glance:
        rows.append(("glance", _backbone(model.glance, costs.glance) + _answers(metadata)))
    rows += [(look.name, _backbone(look, macs)) for look, macs in zip(looks, costs.looks, strict=True)]
    frames = model.sampling.frames
    uniform = (frames * costs.uniform_frame + costs.head) / 1e9
    per = "window" if model.sampling.window_s else "video"
    rows += [
        ("uniform", f"{_number(uniform)} GMACs a {per}: {frames} frames at {_number(costs.uniform_frame / 1e9)}, head"),
        ("weights", _weights(path)),
    ]
    if metadata.plan == "adaptive":
        rows.append(("budget", _budget(metadata)))
    rows.append(("unsure", _unsure(metadata)))
    rows += [
        ("training", ", ".join(f"{key} {_plain(value)}" for key, value in metadata.training.items()) or "not said")
    ]
    lines = [f"{path}: adaframe checkpoint", *_aligned(rows)]
    if metadata.calibration:
        lines += ["", "calibration (what --budget buys on the clips it was calibrated on):", *_curve(metadata)]
    return "\n".join(lines)


def _looks(metadata: Metadata) -> tuple[Look, ...]:
    """The looks that the checkpoint has: a baseline has only its own."""
    if metadata.plan == "adaptive":
        return metadata.model.looks
    from adaframe.model.plans import parse_plan

    source = parse_plan(metadata.plan, metadata.model).source
    return tuple(look for look in metadata.model.looks if look.name == source)


def _classes(metadata: Metadata) -> str:
    names = metadata.classes
    more = f", … ({len(names) - _CLASSES_SHOWN} more)" if len(names) > _CLASSES_SHOWN else ""
    kind = ", multi-label (several may hold at once)" if metadata.multi_label else ""
    return f"{len(names)}{kind}: {', '.join(names[:_CLASSES_SHOWN])}{more}"


def _policy(metadata: Metadata) -> str:
    if metadata.plan != "adaptive":
        return f"none; a baseline: {metadata.plan}"
    policy = metadata.model.policy
    skips = f"skips of {', '.join(map(str, policy.skips))}" if policy.skips else "no skips"
    return f"adaptive: LSTM of {policy.hidden}, {skips}, {_number(metadata.costs.policy / 1e9)} GMACs a frame"


def _sampling(sampling: Sampling) -> str:
    if sampling.window_s is None:
        return f"{sampling.frames} over the whole file"
    return f"{sampling.frames} in each window of {sampling.window_s:g} s"


def _preprocess(preprocess: Preprocess) -> str:
    side = "shorter side" if preprocess.fit == "crop" else "both sides"
    return f"{side} to {preprocess.resize} pixels ({preprocess.filter}), square of {preprocess.crop} from the centre"


def _backbone(part: Look | Glance, macs: float) -> str:
    shares = f" with the weights of {part.shares}" if part.shares else ""
    return f"{part.backbone}{shares} at {part.pixels} pixels, {_number(macs / 1e9)} GMACs a frame"


def _answers(metadata: Metadata) -> str:
    answers = metadata.model.glance.answers or metadata.plan == "glance"
    return ", may answer" if answers else ", for the policy only"


def _weights(path: Path) -> str:
    with path.open("rb") as file:
        header: dict[str, Any] = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    tensors = {name: entry for name, entry in header.items() if name != "__metadata__"}
    learned = [math.prod(t["shape"]) for name, t in tensors.items() if name.rpartition(".")[2] not in _STATISTICS]
    kinds = sorted({t["dtype"] for t in tensors.values() if t["dtype"].startswith(("F", "BF"))})
    return f"{sum(learned):,} parameters ({', '.join(kinds)}), {path.stat().st_size / 1e6:.1f} MB"


def _budget(metadata: Metadata) -> str:
    counted = metadata.counted
    by = f", by {counted.by}" if counted.by else ""
    return f"trained for {metadata.budget:g} of uniform's {counted.unit}{by}"


def _unsure(metadata: Metadata) -> str:
    if not metadata.unsure_below:
        return "never said"
    strange = (
        f", or further than {metadata.strange_above:.2f} from what it learnt from" if metadata.strange_above else ""
    )
    return f"below a confidence of {metadata.unsure_below:.2f}{strange}"


def _curve(metadata: Metadata) -> list[str]:
    counted, frames = metadata.counted, metadata.model.sampling.frames
    uniform = frames * counted.uniform_frame + counted.once
    uniform = uniform / 1e9 if counted.counted == "macs" else uniform
    rows = [("--budget", "of uniform", counted.unit, "on a stream", metadata.judged_by)]
    for point in sorted(metadata.calibration, key=lambda p: -p.cost):
        # Rounded up: a budget just below the point's cost would not buy it.
        rows.append(
            (
                f"{math.ceil(point.cost * 100 - 1e-9) / 100:.2f}",
                f"{point.cost:.3f}",
                _number(point.cost * uniform),
                f"{point.cost_stream:.3f}",
                "–" if math.isnan(point.accuracy) else f"{100 * point.accuracy:.1f} %",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]


# -- videos ------------------------------------------------------------------------------------------------------------


def _video(path: Path) -> str:
    facts = probe(path)
    turned = f", stored turned by {facts.rotation}°" if facts.rotation else ""
    rows: Rows = [
        ("container", facts.container),
        ("codec", f"{facts.codec}, {facts.pixel_format}"),
        ("size", f"{facts.width} × {facts.height} pixels as shown{turned}"),
        ("frames", f"{facts.frames}, {facts.fps:.6g} a second" + (f", {facts.hidden} hidden" if facts.hidden else "")),
        ("duration", f"{facts.duration_s:.3f} s"),
        ("key frames", _key_frames([int(i) for i in facts.key_frames])),
    ]
    if facts.video_streams > 1:
        rows.append(("streams", f"{facts.video_streams} moving pictures; this is the main one"))
    rows += [("warning", warning) for warning in facts.warnings]
    return "\n".join([f"{path}: video", *_aligned(rows)])


def _key_frames(indices: Sequence[int]) -> str:
    if not indices:
        return "none"
    more = ", …" if len(indices) > _KEY_FRAMES_SHOWN else ""
    return f"{len(indices)}, at {', '.join(map(str, indices[:_KEY_FRAMES_SHOWN]))}{more}"


# -- words -------------------------------------------------------------------------------------------------------------


def _aligned(rows: Rows) -> list[str]:
    width = max(len(name) for name, _ in rows)
    return [f"  {name.ljust(width)}  {value}" for name, value in rows]


def _number(gmacs: float) -> str:
    """Three significant digits, and never an exponent."""
    if not gmacs:
        return "0"
    return f"{gmacs:.{max(0, 2 - math.floor(math.log10(gmacs)))}f}"


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{key} {_plain(item)}" for key, item in value.items()) + ")"
    if isinstance(value, (list, tuple)):
        return "/".join(map(_plain, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""`adaframe bench --costs`: MACs of a model's parts beside the published ones, and GMACs of a video from a usage of actions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaframe.config import Config, Model
from adaframe.errors import UsageError
from adaframe.evaluation.speed.published import LSTM, LSTM_SIZE, Published, published, released_gflops
from adaframe.files import write_text
from adaframe.model.cost import Costs
from adaframe.model.metadata import read_metadata

CLASSES = 200  # of ActivityNet and Mini-Kinetics, which the published figures count with
_NOTES = (
    "published: github.com/mengyuest/AR-Net by thop 0.0.31 (2020) and 0.1.1 (now), which count norms besides (MobileNetV2@84 "
    "is 0.050 by its\nconvolutions); its EfficientNets are figures published for 224, 240 and 300 pixels, taken as at 224 and "
    "scaled; its LSTM is 2·1280²."
)


@dataclass(frozen=True)
class Counted:
    """A model and what its parts cost.

    Args:
        name: of its configuration or file.
        model: the configuration.
        costs: in MACs.
        classes: K.
    """

    name: str
    model: Model
    costs: Costs
    classes: int


@dataclass(frozen=True)
class Part:
    """A part's GMACs per frame, with its class scores, and what is published of it."""

    name: str
    network: str
    gmacs: float
    published: Published | None

    def to_json(self) -> dict[str, Any]:
        said = self.published
        every = {} if said is None else {"paper": said.paper, "released": said.released, "released_now": said.now}
        found = {source: value for source, value in every.items() if value is not None}
        return {
            "name": self.name,
            "network": self.network,
            "gmacs": self.gmacs,
            "published": found,
            "difference": {source: self.gmacs / value - 1 for source, value in found.items()},
        }


def of_config(name: str, config: Config) -> Counted:
    """The model of a configuration, counted for 200 classes without any of its weights."""
    import torch

    from adaframe.model.network import Network

    with torch.device("meta"):
        costs = Network(config.model, classes=CLASSES, pretrained=False).costs
    return Counted(name, config.model, costs, CLASSES)


def of_checkpoint(path: str | Path) -> Counted:
    """A checkpoint's model, as it was counted when it was saved; raises CheckpointError, and UsageError for a baseline's."""
    metadata = read_metadata(path)
    if metadata.plan != "adaptive":
        raise UsageError(f"{path}: a baseline ({metadata.plan}) has no actions to count; try: an adaptive checkpoint")
    return Counted(Path(path).name, metadata.model, metadata.costs, len(metadata.classes))


def parts(counted: Counted) -> list[Part]:
    """Looks, glance and policy of a model, in this order."""
    model, costs = counted.model, counted.costs
    found = [
        Part(look.name, f"{look.backbone}@{look.pixels}", (macs + project) / 1e9, published(look.backbone, look.pixels))
        for look, macs, project in zip(model.looks, costs.looks, costs.project, strict=False)
    ]
    glance = model.glance
    network, said = f"{glance.backbone}@{glance.pixels}", published(glance.backbone, glance.pixels)
    found.append(Part("glance", network, costs.glance / 1e9, said))
    policy, size = model.policy, (LSTM_SIZE[0], model.policy.hidden)
    released = not policy.project and size == LSTM_SIZE and glance.backbone == "mobilenet_v2"
    found.append(Part("policy", f"LSTM of {policy.hidden}", costs.policy / 1e9, LSTM if released else None))
    return found


def usage(counted: Counted, shares: Mapping[str, float]) -> dict[str, Any]:
    """GMACs of a video from the share of its frames that each action is executed for.

    Returns:
        executed: what a file takes, where covered frames are glanced at too; of_uniform: as a fraction of looking at
        every frame; streamed: without those glances; released: as the release would report it (`released_gflops`), by the
        published figures, and released_now by today's thop, where these are known of every part.

    Raises:
        UsageError: an action that the model does not have, or shares that do not add up to 1.
    """
    model, costs = counted.model, counted.costs
    names = [look.name for look in model.looks]
    sources = [*names, *(["glance"] if model.glance.answers else [])]
    actions = [*sources, *(f"skip-{n}" for n in model.policy.skips)]
    if unknown := [name for name in shares if name not in actions]:
        raise UsageError(f"--usage: {counted.name} has no action {unknown[0]!r}; it has: {', '.join(actions)}")
    if abs(sum(shares.values()) - 1) > 0.01 or min(shares.values()) < 0:
        raise UsageError(f"--usage: shares of the frames add up to 1; these to {sum(shares.values()):.3g}")
    frames, glance = model.sampling.frames, (costs.glance + costs.policy) / 1e9
    by_source = dict(zip(sources, (macs / 1e9 for macs in costs.sources()), strict=True))
    head, looked = costs.head / 1e9, sum(shares.get(name, 0.0) * gmacs for name, gmacs in by_source.items())
    executed = frames * (glance + looked) + head
    found = {
        "frames": frames,
        "shares": dict(shares),
        "executed": executed,
        "of_uniform": executed / (frames * costs.uniform_frame / 1e9 + head),
        "streamed": frames * released_gflops(shares, by_source, glance, model.policy.skips) + head,
    }
    said = [part.published for part in parts(counted)]
    for key, figures in (
        ("released", [None if p is None else p.released for p in said]),
        ("released_now", [None if p is None else p.now for p in said]),
    ):
        known = [figure for figure in figures if figure is not None]
        if len(known) == len(figures):
            looks = dict(zip(names, known, strict=False))
            found[key] = frames * released_gflops(shares, looks, sum(known[len(names) :]), model.policy.skips)
    return found


def show_costs(models: Sequence[Counted], shares: Mapping[str, float], json_path: str | Path | None = None) -> None:
    """Print the tables, and write the numbers.

    Raises:
        UsageError: shares that do not fit the models.
        AdaframeError: the JSON cannot be written.
    """
    numbers = [
        {
            "model": counted.name,
            "classes": counted.classes,
            "parts": [part.to_json() for part in parts(counted)],
            **({"usage": usage(counted, shares)} if shares else {}),
        }
        for counted in models
    ]
    print(in_words(numbers))
    if json_path:
        write_text(json_path, json.dumps({"models": numbers}, indent=2) + "\n")


def in_words(numbers: Sequence[dict[str, Any]]) -> str:
    """What `adaframe bench --costs` prints."""
    lines = []
    for one in numbers:
        lines += [f"{one['model']}: GMACs of a frame, with class scores of {one['classes']} classes", ""]
        head = ("", "network", "counted", "paper", "", "released", "", "by thop now", "")
        rows = [head, *(_row(part) for part in one["parts"])]
        widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
        for row in rows:
            cells = [
                cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
            ]
            lines.append("  ".join(cells).rstrip())
        lines += ["", *(_spent(one["usage"]) if "usage" in one else [])]
    return "\n".join([*lines, _NOTES])


def _row(part: Mapping[str, Any]) -> tuple[str, ...]:
    cells = [part["name"], part["network"], f"{part['gmacs']:.4f}"]
    for source in ("paper", "released", "released_now"):
        value = part["published"].get(source)
        cells += ["", ""] if value is None else [f"{value:.4g}", f"{100 * part['difference'][source]:+.1f} %"]
    return tuple(cells)


def _spent(usage: Mapping[str, Any]) -> list[str]:
    used = ", ".join(f"{name} {100 * share:.3g} %" for name, share in usage["shares"].items())
    lines = [
        f"A video of {usage['frames']} frames ({used}):",
        f"  {usage['executed']:.2f} GMACs executed of a file, {usage['of_uniform']:.3f} of uniform (every frame is glanced at)",
        f"  {usage['streamed']:.2f} where covered frames are not glanced at (a stream; what the release reports)",
    ]
    for key, how in (("released", "its own figures"), ("released_now", "thop's of today")):
        if key in usage:
            lines.append(f"  {usage[key]:.2f} reported by the release, by {how}")
    return [*lines, ""]

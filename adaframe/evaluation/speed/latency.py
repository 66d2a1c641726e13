"""How long each part of a model takes on this device: what `adaframe bench --latency-table` measures and tells.

Letters: B videos, T sampled frames.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from adaframe.config import Glance, Look
from adaframe.evaluation.speed.turns import aligned, describe_machine, take_turns
from adaframe.model.latency import LatencyTable, PartTime
from adaframe.model.network import Clips, Network
from adaframe.model.plans import evenly

SEED = 0
FORBIDDEN = -1e4  # added to the logits of skips, so that the policy takes a step for every frame
Runs = dict[tuple[str, int], Callable[[], object]]  # by part, and pictures of a video


@torch.inference_mode()
def measure_latency(network: Network, *, batch: int = 1, rounds: int = 10) -> LatencyTable:
    """Medians of parts that take turns, on random pictures.

    A look is measured on 1, 2, 4, … of the T frames of each video: its pictures are computed together, so their number matters.

    Args:
        network: adaptive, in the form that answers, on its device; its weights do not matter.
        batch: videos at once.
        rounds: of each part.
    """
    device = next(network.parameters()).device
    frames, crop = network.model.sampling.frames, network.model.preprocess.crop
    generator = torch.Generator().manual_seed(SEED)
    crops = torch.randint(0, 256, (batch, frames, crop, crop, 3), dtype=torch.uint8, generator=generator).to(device)
    valid = torch.ones(batch, frames, dtype=torch.bool, device=device)
    clips = Clips(crops, valid, torch.arange(frames, device=device).repeat(batch, 1) / 8.0)
    counts = sorted({min(2**n, frames) for n in range(frames.bit_length())} | {frames})
    runs = _runs(network, clips, counts)
    taken = dict(zip(runs, take_turns(list(runs.values()), rounds, device), strict=True))
    ms = {key: 1e3 * float(np.median(seconds)) / batch for key, seconds in taken.items()}

    def part(config: Glance | Look, name: str, macs: float) -> PartTime:
        pictures = tuple(n for of, n in ms if of == name)
        return PartTime(name, config.backbone, config.pixels, macs, pictures, tuple(ms[name, n] for n in pictures))

    looks = zip(network.model.looks, network.costs.looks, strict=True)
    return LatencyTable(
        machine=describe_machine(device),
        device=str(device),
        threads=torch.get_num_threads(),
        torch=torch.__version__,
        date=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        batch=batch,
        frames=frames,
        rounds=rounds,
        glance=part(network.model.glance, "glance", network.costs.glance),
        looks=tuple(part(look, look.name, macs) for look, macs in looks),
        policy_ms=ms["policy", frames] / frames,
        head_ms=ms["head", frames],
    )


def _runs(network: Network, clips: Clips, counts: list[int]) -> Runs:
    """What is timed; whatever one part needs of another is computed before."""
    actions, frames = network.actions, clips.valid.shape[1]
    # A plan leaves out frames also where the policy cannot.
    planned = actions if actions.skips else replace(actions, skips=(1,))
    glances = network.glance_features(clips)
    bias = torch.zeros(1, len(actions), device=glances.device)
    bias[:, len(actions.sources) :] = FORBIDDEN

    def look(source: int, count: int) -> Callable[[], object]:
        decisions = evenly(clips.valid, source, count, planned)
        return lambda: network.routed_features(clips, glances, decisions)

    every = evenly(clips.valid, network.costs.strongest, frames, planned)
    features, seen = network.routed_features(clips, glances, every), every.seen().float()
    return {
        ("glance", frames): lambda: network.glance_features(clips),
        ("policy", frames): lambda: network.decide(glances, clips.valid, bias=bias),
        ("head", frames): lambda: network.classify(features, seen, clips.times_s),
        **{(name, n): look(source, n) for source, name in enumerate(actions.looks) for n in counts},
    }


def in_words(table: LatencyTable) -> str:
    """MACs beside milliseconds, a line for each part."""
    rows = [
        ("", "MMACs", "of the dearest", "ms/picture", "of the dearest", "ms once", "µs/MMAC", "ms of 1 … all pictures")
    ]
    macs = max(look.macs for look in table.looks)
    dearest = next(look for look in table.looks if look.macs == macs)
    most = dearest.ms[-1] / dearest.pictures[-1]
    for part in (table.glance, *table.looks):
        start, slope = part.line
        each = part.ms[-1] / part.pictures[-1]
        rows.append(
            (
                part.name,
                f"{part.macs / 1e6:.3g}",
                f"{part.macs / macs:.3f}",
                f"{slope:.3f}",
                f"{each / most:.3f}",
                f"{start:.2f}",
                f"{1e3 * each / (part.macs / 1e6):.3g}",
                " ".join(f"{ms:.3g}" for ms in part.ms),
            )
        )
    return "\n".join(
        [
            table.machine,
            f"milliseconds of a video of {table.frames} frames, {table.batch} at once; medians of {table.rounds} rounds",
            *aligned(rows),
            f"besides: policy {table.policy_ms:.3f} ms a frame, head {table.head_ms:.2f} ms a video",
            "ms/picture and once: of the line through the times; µs/MMAC and the second share: with all frames together",
        ]
    )

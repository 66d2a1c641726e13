"""Speed on this machine: uniform against adaptive, the model alone and from file to label, side by side in one run."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from adaframe.config import Config
from adaframe.energy.estimate import estimate
from adaframe.energy.methods import SECONDS, measure
from adaframe.energy.places import Places
from adaframe.energy.result import Energy
from adaframe.energy.work import executed_work
from adaframe.errors import UsageError
from adaframe.evaluation.speed import whole
from adaframe.evaluation.speed.decode_films import render
from adaframe.evaluation.speed.figure import speed_figure
from adaframe.evaluation.speed.latency import in_words as latency_in_words
from adaframe.evaluation.speed.latency import measure_latency
from adaframe.evaluation.speed.methods import Method, Rivals, model_methods
from adaframe.evaluation.speed.turns import Timing, as_text, describe_machine, energy_lines, summary, take_turns
from adaframe.files import write_text
from adaframe.inference.recognizer import pick_device
from adaframe.model.checkpoint import load_network
from adaframe.model.latency import write_table
from adaframe.model.memory import keep_freed_memory
from adaframe.model.network import Network

_SECONDS, _GOP = 10.0, 25  # of rendered videos: a key frame a second


def bench(
    *,
    checkpoint: str | Path | None = None,
    config: Config | None = None,
    videos: int = 8,
    repeats: int = 10,
    batches: Sequence[int] = (1, 8),
    budgets: Sequence[float] = (0.25, 0.5, 0.75),
    files: Sequence[str | Path] = (),
    sizes: Sequence[tuple[int, int]] = ((256, 256),),
    decodes: Sequence[str] = ("exact",),
    threads: int | None = None,
    json_path: str | Path | None = None,
    figure_path: str | Path | None = None,
    device: str = "auto",
    energy: Places | None = None,
) -> None:
    """Measure, and print tables.

    Of the model: all methods get the same random pictures. The adaptive ones run the policy, and then look by fixed
    decisions: a seeded random mix of all of the model's actions, whose executed cost is as near as can be to a fraction of
    uniform's. So the table says what this machine makes of a saving; how much a policy saves is for `adaframe evaluate` to
    say. From file to label: reading and the model one after the other, by decisions made the same way.

    Args:
        checkpoint: whose network is measured.
        config: without a checkpoint, a network of this configuration with random weights.
        videos: in each timing of the model.
        repeats: rounds; the methods take turns within a round.
        batches: videos at once.
        budgets: adaptive's costs as fractions of uniform's.
        files: videos to read; without any they are rendered.
        sizes: width and height of the videos of 10 s that are rendered.
        decodes: ways to read them: exact, fast; none: only the model is measured.
        threads: of torch; None leaves torch's own choice.
        json_path: also write the numbers there.
        figure_path: also draw them there, as PNG.
        device: auto, cpu, cuda, cuda:1, mps.
        energy: where joules a video are asked about; None: nowhere.

    Raises:
        UsageError: a device that is not there, or a baseline's checkpoint, which has nothing to compare.
        CheckpointError: the checkpoint cannot be used.
        VideoError: a video cannot be read.
        AdaframeError: the JSON or the figure cannot be written.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or before)
        place = pick_device(device)
        keep_freed_memory()
        rivals = Rivals(_network(checkpoint, config, place))
        numbers: dict[str, Any] = {
            "machine": describe_machine(place),
            "videos": videos,
            "rounds": repeats,
            "frames": rivals.network.model.sampling.frames,
            "batches": _model(rivals, videos, batches, budgets, repeats, energy),
        }
        with tempfile.TemporaryDirectory() as folder:
            read: list[whole.File] = []
            if decodes:
                paths = [Path(file) for file in files] or [_rendered(Path(folder), size) for size in sizes]
                read = [whole.File(rivals, path, decode, budgets) for path in paths for decode in decodes]
            numbers["files"] = whole.measure(read, repeats) if read else []
    finally:
        torch.set_num_threads(before)
    print(in_words(numbers))
    if json_path:
        write_text(json_path, json.dumps(numbers, indent=2) + "\n")
    if figure_path:
        speed_figure(numbers, Path(figure_path))


def _network(checkpoint: str | Path | None, config: Config | None, place: torch.device) -> Network:
    if checkpoint is not None:
        network, _ = load_network(Path(checkpoint), device=place)
        if network.plan is not None:
            raise UsageError(
                f"{checkpoint}: a baseline ({network.plan.name}) has no policy; try: an adaptive checkpoint"
            )
        return network.fuse()
    if config is None:
        raise ValueError("bench needs a checkpoint or a configuration")
    return Network(config.model, classes=10, pretrained=False).to(place).eval().fuse()


def _rendered(folder: Path, size: tuple[int, int]) -> Path:
    width, height = size
    return render(folder / f"{width}x{height}.mp4", gop=_GOP, size=(height, width), seconds=_SECONDS)


def _model(
    rivals: Rivals,
    videos: int,
    batches: Sequence[int],
    budgets: Sequence[float],
    rounds: int,
    energy: Places | None,
) -> list[dict[str, Any]]:
    """All methods at all batch sizes take turns; a summary per batch size. Joules are measured after that, one by one."""
    turns: list[tuple[int, Method]] = [
        (min(batch, videos), method)
        for batch in batches
        for method in model_methods(rivals, videos=videos, batch=batch, budgets=budgets)
    ]
    seconds = take_turns([method.run for _, method in turns], rounds, rivals.place)
    timings: dict[int, list[Timing]] = {}
    for (batch, method), taken in zip(turns, seconds, strict=True):
        each = tuple(s / method.videos for s in taken)
        joules = _energy_of(method, energy, rivals.place) if energy is not None else ()
        found = Timing(method.name, method.gmacs, each, method.budget, method.decisions, joules)
        timings.setdefault(batch, []).append(found)
    return [{"batch": batch, **summary(some)} for batch, some in timings.items()]


def _energy_of(method: Method, places: Places, place: torch.device) -> tuple[Energy, ...]:
    """Of one video: of this machine, if it is asked for, then on paper of what has decisions to go by."""
    found = []
    if places.machine:
        here = measure(method.run, str(place), g_per_kwh=places.g_per_kwh, seconds=SECONDS)
        found += [here.times(1 / method.videos)] if here is not None else []
    if method.executes is not None:
        work = executed_work(*method.executes)
        found += [estimate(one, work, g_per_kwh=places.g_per_kwh) for one in places.hardware]
    return tuple(found)


def bench_parts(
    path: str | Path,
    *,
    checkpoint: str | Path | None = None,
    config: Config | None = None,
    batch: int = 1,
    repeats: int = 10,
    threads: int | None = None,
    device: str = "auto",
) -> None:
    """Time each part of a model, print it beside its MACs, and write the table that a budget in milliseconds counts by.

    Args:
        path: of the table, JSON.
        checkpoint, config, repeats, threads, device: as of `bench`.
        batch: videos at once.

    Raises:
        UsageError, CheckpointError: as `bench`.
        AdaframeError: the table cannot be written.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or before)
        keep_freed_memory()
        table = measure_latency(_network(checkpoint, config, pick_device(device)), batch=batch, rounds=repeats)
    finally:
        torch.set_num_threads(before)
    print(latency_in_words(table))
    write_table(table, path)


def in_words(numbers: dict[str, Any]) -> str:
    """What `adaframe bench` prints."""
    lines = [
        numbers["machine"],
        f"medians of {numbers['rounds']} rounds, in which the methods take turns",
    ]
    for some in numbers["batches"]:
        lines += [
            "",
            f"Model alone: {numbers['videos']} videos of {numbers['frames']} frames, {some['batch']} at once, random pictures",
            as_text(some),
            *energy_lines(some),
        ]
    lines += [
        "",
        "uniform: every frame through the strongest look; dense: all looks on every frame, as for joint training; glance: each",
        "frame answered from its glance; adaptive: drawn decisions that cost so much, below it their shares of the frames",
        "efficiency: times as fast / times fewer GMACs; bound: the same, had all but the glances run as fast as uniform",
    ]
    if numbers["files"]:
        lines += [
            "",
            "File to label: milliseconds of a file",
            whole.as_text(numbers["files"]),
            "d: share of uniform's time that reading takes; allowed: 1 / (d + (1 - d) * cost / efficiency)",
        ]
    return "\n".join(lines)

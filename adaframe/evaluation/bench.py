"""Speed on this machine: uniform against adaptive, decode and model apart, side by side in one run.

Letters: B videos, T sampled frames, A actions.
"""

from __future__ import annotations

import json
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adaframe.config import Config
from adaframe.errors import UsageError
from adaframe.files import write_text
from adaframe.inference.recognizer import pick_device
from adaframe.model.actions import Decisions
from adaframe.model.checkpoint import load_network
from adaframe.model.network import Clips, Network

SEED = 0
_WARMUP_ROUNDS = 2
_STEPS = 40  # halvings of the search for the mix of a cost
_FILES, _WIDTH, _HEIGHT, _FPS, _SECONDS = 3, 320, 240, 25, 10  # what is rendered to be decoded


@dataclass(frozen=True)
class Timing:
    """What one method did, and how long it took.

    Args:
        name: of the method.
        gmacs: 1e9 multiply-adds executed for each video; 0 where the model does not take part.
        seconds: for each video, one value a round; the values of one round belong together.
    """

    name: str
    gmacs: float
    seconds: tuple[float, ...]


def bench(
    *,
    checkpoint: str | Path | None = None,
    config: Config | None = None,
    videos: int = 8,
    repeats: int = 10,
    batch: int = 8,
    share: float = 0.5,
    budget: float | None = None,
    threads: int | None = None,
    json_path: str | Path | None = None,
    device: str = "auto",
) -> None:
    """Measure, and print a table.

    All methods get the same random crops. The adaptive ones run the policy, and then look by fixed decisions: a seeded
    random mix of all of the model's actions, whose executed cost is as near as can be to a fraction of uniform's. So the
    table says what this machine makes of a saving; how much a policy saves is for `adaframe evaluate` to say.

    Args:
        checkpoint: whose network is measured.
        config: without a checkpoint, a network of this configuration with random weights.
        videos: in each timing.
        repeats: rounds; the methods take turns within a round.
        batch: videos at once.
        share: adaptive's cost as a fraction of uniform's, where no budget is given.
        budget: the same; it goes before `share`.
        threads: of torch; None leaves torch's own choice.
        json_path: also write the numbers there.
        device: auto, cpu, cuda, cuda:1, mps.

    Raises:
        UsageError: a device that is not there, or a baseline's checkpoint, which has nothing to compare.
        CheckpointError: the checkpoint cannot be used.
        AdaframeError: the JSON cannot be written.
    """
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads or before)
        place = pick_device(device)
        network = _network(checkpoint, config, place)
        methods, shares = _methods(network, videos, batch, share if budget is None else budget)
        with tempfile.TemporaryDirectory() as folder:
            methods.append(_decoding(network, Path(folder)))
            timings = _take_turns(methods, repeats, place)
        machine = describe_machine(place)
    finally:
        torch.set_num_threads(before)
    numbers = summary(timings) | {
        "machine": machine,
        "videos": videos,
        "batch": min(batch, videos),
        "rounds": repeats,
        "frames": network.model.sampling.frames,
        "decisions": shares,
    }
    print(as_text(numbers))
    if json_path:
        write_text(json_path, json.dumps(numbers, indent=2) + "\n")


def draw_decisions(network: Network, valid: Tensor, fraction: float, *, seed: int = SEED) -> Decisions:
    """Random decisions, the same for the same seed, whose executed cost is near a fraction of uniform's.

    Every frame draws from all actions; as with a run-time budget, a bias of -beta times each action's price moves the mix
    until the cost fits. A fraction beyond what the model can do gives the nearest that it can.

    Args:
        network: with a policy.
        valid: bool, (B, T), a prefix of each row.
        fraction: of uniform's cost.
    """
    generator = torch.Generator().manual_seed(seed)
    uniform = torch.rand(*valid.shape, len(network.actions), generator=generator).clamp(1e-9, 1 - 1e-7)
    noise = -torch.log(-torch.log(uniform))
    price = torch.tensor(network.costs.price(network.actions))
    target = fraction * float(network.costs.uniform(valid.sum(dim=1)).sum())

    def at(beta: float) -> tuple[float, Decisions]:
        decisions = _unfold(noise - beta * price, valid.cpu(), network)
        return abs(float(network.costs.executed(decisions).sum()) - target), decisions

    tried, low, high = [], -1e3, 1e3
    for _ in range(_STEPS):
        middle = (low + high) / 2
        tried.append(at(middle))
        cost = float(network.costs.executed(tried[-1][1]).sum())
        low, high = (middle, high) if cost > target else (low, middle)
    best = min(tried, key=lambda pair: pair[0])[1]
    on = valid.device
    return replace(best, **{k: getattr(best, k).to(on) for k in ("actions", "decided", "glanced", "valid")})


def _unfold(logits: Tensor, valid: Tensor, network: Network) -> Decisions:
    """Decisions by the largest of the action logits (B, T, A); every valid frame is glanced at, as files are."""
    actions = network.actions
    covers = torch.tensor(actions.covers)
    logits = logits.clone()
    logits[:, 0, len(actions.sources) :] = -torch.inf  # no video is wholly skipped
    chosen = logits.argmax(dim=2)
    left = torch.zeros(len(valid), dtype=torch.long)
    decided = torch.zeros_like(valid)
    for t in range(valid.shape[1]):
        decided[:, t] = (left == 0) & valid[:, t]
        if t:
            chosen[:, t] = torch.where(left > 0, chosen[:, t - 1], chosen[:, t])
        left = torch.where(left > 0, left, covers[chosen[:, t]]) - 1
    return Decisions(torch.where(valid, chosen, 0), decided, valid.clone(), valid, actions)


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


Method = tuple[str, float, int, Callable[[], Any]]  # name, GMACs for each video, videos, what is timed


def _methods(network: Network, videos: int, batch: int, fraction: float) -> tuple[list[Method], dict[str, float]]:
    """What is compared, and the share of the frames of each action."""
    place = next(network.parameters()).device
    frames, crop = network.model.sampling.frames, network.model.preprocess.crop
    generator = torch.Generator().manual_seed(SEED)
    crops = torch.randint(0, 256, (videos, frames, crop, crop, 3), dtype=torch.uint8, generator=generator).to(place)
    valid = torch.ones(videos, frames, dtype=torch.bool, device=place)
    times_s = torch.arange(frames, device=place).repeat(videos, 1) / 8.0
    # What a model trained as uniform runs: the strongest look and its head, and nothing else.
    plain = Network(network.model, classes=network.head.classify.out_features, plan="uniform", pretrained=False)
    plain = plain.to(place).eval().fuse()
    chosen = draw_decisions(network, valid, fraction)
    every = plain.decide(None, valid)
    parts = [
        (Clips(crops[at], valid[at], times_s[at]), _rows(chosen, at), _rows(every, at))
        for at in (slice(first, first + batch) for first in range(0, videos, batch))
    ]

    def uniform() -> None:
        for clips, _, all_frames in parts:
            plain.look(clips, None, all_frames)

    def adaptive() -> None:
        for clips, decisions, _ in parts:
            glances = network.glance_features(clips)
            network.decide(glances, clips.valid)
            network.look(clips, glances, decisions)

    def dense() -> None:
        for clips, decisions, _ in parts:
            features = network.all_features(clips)
            network.decide(features.glance, clips.valid)
            network.classify(features, decisions.seen().float(), clips.times_s)

    def glancing() -> None:
        for clips, _, _ in parts:
            network.decide(network.glance_features(clips), clips.valid)

    costs = network.costs
    executed = float(costs.executed(chosen).mean())
    glance = frames * (costs.glance + costs.policy)
    projected = float(
        (chosen.seen().sum(dim=1).double().cpu() @ torch.tensor(costs.project, dtype=torch.double)).mean()
    )
    everything = glance + frames * sum(costs.looks) + projected + costs.head
    methods: list[Method] = [
        ("uniform", float(plain.costs.executed(every).mean()) / 1e9, videos, uniform),
        ("adaptive", executed / 1e9, videos, adaptive),
        ("dense", everything / 1e9, videos, dense),
        ("glance", glance / 1e9, videos, glancing),
    ]
    return methods, chosen.shares()


def _rows(decisions: Decisions, at: slice) -> Decisions:
    return replace(decisions, **{k: getattr(decisions, k)[at] for k in ("actions", "decided", "glanced", "valid")})


def _decoding(network: Network, folder: Path) -> Method:
    """Reading clips from files, as `classify` reads them; the files are rendered here."""
    from adaframe.needle.encode import encode
    from adaframe.video.clip import ClipRequest, read_clip

    rng = np.random.default_rng(SEED)
    paths = [folder / f"{i}.mp4" for i in range(_FILES)]
    for path in paths:
        # A texture that drifts, so that there is motion to code.
        texture = rng.integers(64, 192, (_HEIGHT * 3 // 2, _WIDTH)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
        drift = [texture[t : t + _HEIGHT * 3 // 2, t : t + _WIDTH] for t in range(_FPS * _SECONDS)]
        encode(path, np.stack(drift), float(_FPS))
    requests = [
        ClipRequest(path=str(path), sampling=network.model.sampling, preprocess=network.model.preprocess)
        for path in paths
    ]
    return "decode", 0.0, _FILES, lambda: [read_clip(request) for request in requests]


@torch.inference_mode()
def _take_turns(methods: Sequence[Method], rounds: int, place: torch.device) -> list[Timing]:
    """Time all methods in turn, round after round, so that what else the machine does falls on all of them."""
    seconds: dict[str, list[float]] = {name: [] for name, *_ in methods}
    for number in range(-_WARMUP_ROUNDS, rounds):
        for name, _, videos, run in methods:
            _wait(place)
            started = time.perf_counter()
            run()
            _wait(place)
            if number >= 0:
                seconds[name].append((time.perf_counter() - started) / videos)
    return [Timing(name, gmacs, tuple(seconds[name])) for name, gmacs, *_ in methods]


def _wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    elif place.type == "mps":
        torch.mps.synchronize()


def summary(timings: Sequence[Timing]) -> dict[str, Any]:
    """Medians and quartiles of timings that hold uniform, adaptive and glance.

    Ratios are taken within each round and then summarised, so a machine that slows down half way does not tilt them.
    `efficiency` is what of the saving in MACs arrives in seconds: (uniform s / adaptive s) / (uniform MACs / adaptive MACs).
    `bound` is what it would be if all but the glances and the policy ran as fast for each MAC as uniform does.
    """
    by_name = {timing.name: timing for timing in timings}
    uniform, adaptive, glance = by_name["uniform"], by_name["adaptive"], by_name["glance"]
    saved = uniform.gmacs / adaptive.gmacs
    rounds = list(zip(uniform.seconds, adaptive.seconds, glance.seconds, strict=True))
    looks = (adaptive.gmacs - glance.gmacs) / uniform.gmacs
    return {
        "methods": [
            {
                "name": timing.name,
                "gmacs": timing.gmacs,
                "ms": _spread([1e3 * s for s in timing.seconds]),
                "gmacs_per_s": timing.gmacs / float(np.median(timing.seconds)),
                "seconds_of_uniform": _spread([s / u for s, u in zip(timing.seconds, uniform.seconds, strict=True)]),
                "gmacs_of_uniform": timing.gmacs / uniform.gmacs,
            }
            for timing in timings
        ],
        "speed_up": _spread([u / a for u, a, _ in rounds]),
        "gmacs_saved": saved,
        "efficiency": _spread([u / a / saved for u, a, _ in rounds]),
        "bound": _spread([u / (g + looks * u) / saved for u, _, g in rounds]),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    low, middle, high = np.quantile(values, (0.25, 0.5, 0.75)).tolist()
    return {"median": middle, "low": low, "high": high}


def describe_machine(place: torch.device) -> str:
    """Processor, cores, threads and torch's version, in one line."""
    import os

    name = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    except OSError:
        pass  # another system than Linux: its own word for the processor
    if place.type == "cuda":
        name = f"{torch.cuda.get_device_name(place)}, {name}"
    return f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, torch {torch.__version__}"


def as_text(numbers: dict[str, Any]) -> str:
    """The table of `adaframe bench`."""
    rows = [("", "GMACs", "of uniform", "ms/video", "(quartiles)", "of uniform", "GMAC/s")]
    for method in numbers["methods"]:
        ms, ratio, computes = method["ms"], method["seconds_of_uniform"]["median"], method["gmacs"] > 0
        rows.append(
            (
                method["name"],
                f"{method['gmacs']:.3g}" if computes else "",
                f"{method['gmacs_of_uniform']:.3f}" if computes else "",
                f"{ms['median']:.1f}",
                f"({ms['low']:.1f}–{ms['high']:.1f})",
                f"{ratio:.3f}",
                f"{method['gmacs_per_s']:.1f}" if computes else "",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(
            c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    saved, faster, efficiency, bound = (numbers[k] for k in ("gmacs_saved", "speed_up", "efficiency", "bound"))
    mix = ", ".join(f"{name} {100 * part:.0f}%" for name, part in numbers["decisions"].items())
    return "\n".join(
        [
            numbers["machine"],
            f"{numbers['videos']} videos of {numbers['frames']} frames, {numbers['batch']} at once, medians of "
            f"{numbers['rounds']} rounds in turn; random pictures and decisions: {mix}",
            "",
            *lines,
            "",
            f"adaptive: {saved:.2f} times fewer MACs, {faster['median']:.2f} times faster "
            f"({faster['low']:.2f}–{faster['high']:.2f}): efficiency {efficiency['median']:.2f} "
            f"({efficiency['low']:.2f}–{efficiency['high']:.2f})",
            f"with looks as fast as uniform's for each MAC, what the glances take would leave {bound['median']:.2f}",
        ]
    )

"""Speed on this machine: uniform against adaptive, decode and model apart, side by side in one run.

Letters: B videos, T sampled frames.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from adaframe.config import Config
from adaframe.errors import UsageError
from adaframe.evaluation.mixture import draw_decisions
from adaframe.evaluation.speed import Timing, as_text, describe_machine, summary
from adaframe.files import write_text
from adaframe.inference.recognizer import pick_device
from adaframe.model.actions import Decisions
from adaframe.model.checkpoint import load_network
from adaframe.model.network import Clips, Network

SEED = 0
_WARMUP_ROUNDS = 2
_FILES, _WIDTH, _HEIGHT, _FPS, _SECONDS = 3, 320, 240, 25, 10.0  # what is rendered to be decoded


@dataclass(frozen=True, eq=False)
class Method:
    """What takes its turn.

    Args:
        name: in the table.
        gmacs: 1e9 multiply-adds executed for each video; 0 where the model does not take part.
        videos: how many `run` goes through.
        run: what is timed.
    """

    name: str
    gmacs: float
    videos: int
    run: Callable[[], object]


def bench(
    *,
    checkpoint: str | Path | None = None,
    config: Config | None = None,
    videos: int = 8,
    repeats: int = 10,
    batch: int = 8,
    budget: float = 0.5,
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
        budget: adaptive's cost as a fraction of uniform's.
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
        methods, shares = model_methods(network, videos, batch, budget)
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


def model_methods(network: Network, videos: int, batch: int, fraction: float) -> tuple[list[Method], dict[str, float]]:
    """What is compared of the model, and the share of the frames of each action.

    Args:
        network: with a policy, as it is used for inference.
        videos: of random pixels.
        batch: videos at once.
        fraction: adaptive's cost, of uniform's.
    """
    place = next(network.parameters()).device
    frames, crop = network.model.sampling.frames, network.model.preprocess.crop
    generator = torch.Generator().manual_seed(SEED)
    crops = torch.randint(0, 256, (videos, frames, crop, crop, 3), dtype=torch.uint8, generator=generator).to(place)
    valid = torch.ones(videos, frames, dtype=torch.bool, device=place)
    times_s = torch.arange(frames, device=place).repeat(videos, 1) / 8.0
    # What a model trained as uniform runs: the strongest look and its head, and nothing else.
    plain = Network(network.model, classes=network.head.classes, plan="uniform", pretrained=False)
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
    glance = frames * (costs.glance + costs.policy)
    # Dense computes all looks, but projects only what the decisions see.
    seen = chosen.seen().sum(dim=1).double().mean(dim=0).tolist()
    projected = sum(count * macs for count, macs in zip(seen, costs.project, strict=True))
    methods = [
        Method("uniform", float(plain.costs.executed(every).mean()) / 1e9, videos, uniform),
        Method("adaptive", float(costs.executed(chosen).mean()) / 1e9, videos, adaptive),
        Method("dense", (glance + frames * sum(costs.looks) + projected + costs.head) / 1e9, videos, dense),
        Method("glance", glance / 1e9, videos, glancing),
    ]
    return methods, chosen.shares()


def _rows(decisions: Decisions, at: slice) -> Decisions:
    return replace(decisions, **{k: getattr(decisions, k)[at] for k in ("actions", "decided", "glanced", "valid")})


def _decoding(network: Network, folder: Path) -> Method:
    """Reading a clip's frames from a file, as `classify` does; the files are rendered here, one window long."""
    from adaframe.needle.encode import encode
    from adaframe.video.clip import ClipRequest, read_clip

    sampling, preprocess = network.model.sampling, network.model.preprocess
    frames = max(1, round(_FPS * min(sampling.window_s or _SECONDS, _SECONDS)))
    rng = np.random.default_rng(SEED)
    paths = [folder / f"{i}.mp4" for i in range(_FILES)]
    for path in paths:
        # A texture that drifts, so that there is motion to code.
        texture = rng.integers(64, 192, (_HEIGHT // 2, _WIDTH // 2)).astype(np.uint8).repeat(4, 0).repeat(4, 1)
        starts = [t % (_HEIGHT // 2) for t in range(frames)]
        drift = [texture[t : t + _HEIGHT * 3 // 2, t : t + _WIDTH] for t in starts]
        encode(path, np.stack(drift), float(_FPS))
    requests = [ClipRequest(path=str(path), sampling=sampling, preprocess=preprocess) for path in paths]

    def decode() -> None:
        for request in requests:
            Path(request.path).touch()  # as new: the facts of a file that did not change are not found out again
            read_clip(request)

    return Method("decode", 0.0, _FILES, decode)


@torch.inference_mode()
def _take_turns(methods: Sequence[Method], rounds: int, place: torch.device) -> list[Timing]:
    """Time all methods in turn, round after round, so that what else the machine does falls on all of them."""
    seconds: dict[str, list[float]] = {method.name: [] for method in methods}
    for number in range(-_WARMUP_ROUNDS, rounds):
        for method in methods:
            _wait(place)
            started = time.perf_counter()
            method.run()
            _wait(place)
            if number >= 0:
                seconds[method.name].append((time.perf_counter() - started) / method.videos)
    return [Timing(method.name, method.gmacs, tuple(seconds[method.name])) for method in methods]


def _wait(place: torch.device) -> None:
    if place.type == "cuda":
        torch.cuda.synchronize(place)
    elif place.type == "mps":
        torch.mps.synchronize()

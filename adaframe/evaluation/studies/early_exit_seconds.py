"""`python -m adaframe.evaluation.studies.early_exit_seconds`: what of an early exit's saving arrives in seconds.

Decoding: videos are rendered here, H.264 with key frames at fixed distances, and the sampled frames are read all at once,
and stage by stage, each stage anew. The model, with --checkpoint: some clips are answered in one go and in stages, several
at once and one by one. All ways take turns, so that what else the machine does falls on all of them.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from adaframe.cli.parser import positive
from adaframe.cli.standalone import telling_errors
from adaframe.config import Preprocess, Sampling
from adaframe.data.manifest import load_dataset
from adaframe.errors import DataError
from adaframe.evaluation.speed.decode_films import render
from adaframe.evaluation.speed.stages import FEWER, RULES, Settled, coarse_to_fine, recognise_in_stages
from adaframe.inference.recognizer import Recognizer, load
from adaframe.model.network import Clips
from adaframe.video import pyav_reader, read_clip
from adaframe.video.facts import probe
from adaframe.video.resize import resize_frame
from adaframe.video.sampling import plan_windows

LENGTHS_S, GOPS, SIZE = (2.0, 10.0), (12, 50, 250), (256, 256)
FRAMES = 16

Spent = dict[str, list[float]]  # milliseconds of each way, one value a round


def in_turn(ways: Mapping[str, Callable[[], object]], rounds: int) -> Spent:
    """Times every way, in turn, after one round that does not count."""
    spent: Spent = {name: [] for name in ways}
    for turn in range(-1, rounds):
        for name, run in ways.items():
            started = time.perf_counter()
            run()
            if turn >= 0:
                spent[name].append(1e3 * (time.perf_counter() - started))
    return spent


def reading(path: Path, frames: int) -> dict[str, Callable[[], object]]:
    """Ways to read the sampled frames of a file: all at once, and up to each stage, every stage for itself."""
    facts = probe(path)
    indices = plan_windows(facts.times_s, Sampling(frames, None), duration_s=facts.duration_s).indices[0]

    def read(some: np.ndarray) -> None:
        for _, image, _ in pyav_reader.decode(facts, [int(i) for i in some]):
            resize_frame(image, Preprocess(), crop=True)

    def stages(count: int) -> None:
        for n, known in enumerate(coarse_to_fine(frames)[:count]):
            read(indices[known[1::2] if n else known])

    ways: dict[str, Callable[[], object]] = {"at once": partial(read, indices)}
    for count in range(1, 1 + len(coarse_to_fine(frames))):
        ways["stage 1" if count == 1 else f"stages 1 to {count}"] = partial(stages, count)
    return ways


def sample(model: Recognizer, paths: Sequence[str], count: int) -> Clips:
    """The first windows of some of the files, drawn with a fixed seed."""
    drawn = random.Random(0).sample(sorted(paths), min(count, len(paths)))
    parts = [read_clip(replace(model.metadata.request(path), max_windows=1)) for path in drawn]
    times = np.concatenate([part.times_s - part.times_s[:, :1] for part in parts]).astype(np.float32)
    valid = np.concatenate([part.valid for part in parts])
    crops = np.concatenate([part.images for part in parts])
    return Clips(*(torch.from_numpy(x).to(model.device) for x in (crops, valid, np.where(valid, times, 0.0))))


def settled_by(rule: str, threshold: float, *, multi_label: bool) -> Settled:
    """Whether answers are settled, by a rule of `RULES` and the threshold that it must reach."""

    def likely(scores: Tensor) -> np.ndarray:
        return (torch.sigmoid(scores) if multi_label else torch.softmax(scores, dim=1)).cpu().numpy()

    def settled(now: Tensor, before: Tensor | None) -> Tensor:
        reached = RULES[rule](likely(now), None if before is None else likely(before), multi_label) >= threshold
        return torch.from_numpy(np.asarray(reached)).to(now.device)

    return settled


def answering(
    model: Recognizer, clips: Clips, settled: Settled, *, beta: float, batch: int
) -> dict[str, Callable[[], object]]:
    """Ways to answer windows, so many at once: without an exit, from every second and fourth frame, and in stages."""
    network, every = model.network, torch.arange(clips.valid.shape[1])
    bias = -beta * torch.tensor(network.price, device=model.device)[None]
    batches = torch.arange(len(clips.valid)).split(batch)

    def run(frames: Tensor, settled: Settled | None = None) -> None:
        for windows in batches:
            at = (windows[:, None], frames)
            part = Clips(clips.crops[at], clips.valid[at], clips.times_s[at])
            if settled is None:
                with torch.inference_mode():
                    network.recognise(part, bias=bias)
            else:
                recognise_in_stages(network, part, settled, bias=bias)

    ways: dict[str, Callable[[], object]] = {"no exit": partial(run, every)}
    for n in FEWER:
        fewer = every[every % n == n // 2]
        if n > 1 and len(fewer):
            ways[f"every {n}"] = partial(run, fewer)
    return ways | {"early exit": partial(run, every, settled), "all stages": partial(run, every, _never)}


def _never(now: Tensor, before: Tensor | None) -> Tensor:
    return torch.zeros(len(now), dtype=torch.bool, device=now.device)


def as_text(title: str, spent: Spent, *, per: int = 1) -> str:
    """A line: medians and quartiles of each way, and its time as a share of the first one's, round by round."""
    first = next(iter(spent.values()))
    cells = []
    for name, values in spent.items():
        low, middle, high = np.quantile(np.array(values) / per, (0.25, 0.5, 0.75)).tolist()
        share = "" if values is first else f", {np.median(np.divide(values, first)):.2f} of it"
        cells.append(f"{name} {middle:.1f} ({low:.1f}–{high:.1f}{share})")
    return f"{title}: {'; '.join(cells)}"


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print, milliseconds."""
    parser = argparse.ArgumentParser(
        prog="python -m adaframe.evaluation.studies.early_exit_seconds", description=__doc__
    )
    parser.add_argument("--checkpoint", default="", metavar="FILE", help="an adaptive model; none: decoding alone")
    parser.add_argument("--data.root", dest="root", default="", metavar="DIR", help="as of adaframe evaluate")
    parser.add_argument("--data.manifest", dest="manifest", default="", metavar="FILE", help="as of adaframe evaluate")
    parser.add_argument("--split", default="test", help="where the data set has splits (default: %(default)s)")
    parser.add_argument("--fold", default="", metavar="K", help="only the clips of this fold")
    parser.add_argument("--clips", type=positive, default=32, help="answered (default: %(default)s)")
    parser.add_argument("--beta", type=float, default=0.0, help="bias against cost (default: %(default)s)")
    parser.add_argument("--rule", choices=list(RULES), default="confidence")
    parser.add_argument("--threshold", type=float, default=0.9, help="that the rule must reach (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=7, help="(default: %(default)s)")
    args = parser.parse_args(argv)
    if args.checkpoint:
        model = load(args.checkpoint)
        known = [c for c in load_dataset(args.root, args.manifest).clips if not args.fold or c.fold == args.fold]
        paths = [c.path for c in known if c.split in ("", args.split)]
        if not paths:
            raise DataError(f"{args.manifest or args.root}: no such clips")
        clips = sample(model, paths, args.clips)
        settled = settled_by(args.rule, args.threshold, multi_label=model.metadata.multi_label)
        bias = -args.beta * torch.tensor(model.network.price, device=model.device)[None]
        ended = recognise_in_stages(model.network, clips, settled, bias=bias)[1]
        print(f"{len(ended)} clips take {ended.double().mean():.2f} stages on the mean")
        for batch in (1, 8):
            spent = in_turn(answering(model, clips, settled, beta=args.beta, batch=batch), args.rounds)
            print(as_text(f"model, ms a clip, {batch} at once", spent, per=len(clips.valid)), flush=True)
        return 0
    pyav_reader.threads = 1
    with tempfile.TemporaryDirectory() as folder:
        for length in LENGTHS_S:
            for gop in GOPS:
                path = render(Path(folder) / f"{length:g}-{gop}.mp4", gop=gop, size=SIZE, seconds=length)
                print(as_text(f"decoding {length:g} s, GOP {gop}, ms", in_turn(reading(path, FRAMES), args.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

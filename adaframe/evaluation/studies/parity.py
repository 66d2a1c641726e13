"""`python -m adaframe.evaluation.studies.parity MODEL --cases FILE --frames FILE`: an imported AR-Net beside its original.

The cases are what the original computed for these frames (uint8, RGB, (V, T, 224, 224, 3)). Under `argmax/`, as far as they
are there: policy_features, h_out, policy_logits, executed, video_logits; under any other name what it made of given actions:
executed, video_logits. The table has the largest difference of each; then the model takes turns with uniform, one video at a
time and all at once.

Letters: V videos, T sampled frames, K classes.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaframe.cli.parser import fraction, positive
from adaframe.cli.standalone import telling_errors
from adaframe.errors import DataError
from adaframe.evaluation.speed.methods import Rivals, rows_of
from adaframe.evaluation.speed.mixture import draw_decisions
from adaframe.evaluation.speed.turns import Timing, aligned, describe_machine, in_brackets, spread, take_turns
from adaframe.inference.recognizer import Recognizer, load
from adaframe.model.actions import Decisions
from adaframe.model.network import Clips, Network
from adaframe.model.policy import Policy

Cases = Mapping[str, NDArray[np.generic]]
# Of the original, with torch on 2 cores: it runs every network on every frame (one run; adaframe's own `dense` is beside it).
ORIGINAL_OF_UNIFORM = 1.53


@dataclass(frozen=True)
class Difference:
    """One output of one case.

    Args:
        case: its name.
        output: which of its values.
        values: how many were compared.
        largest: absolute difference; of decisions how many differ.
        size: standard deviation of the original's values.
    """

    case: str
    output: str
    values: int
    largest: float
    size: float


@torch.inference_mode()
def compare(model: Recognizer, frames: NDArray[np.uint8], cases: Cases) -> list[Difference]:
    """The model's outputs beside the original's.

    Args:
        model: imported.
        frames: uint8, RGB, (V, T, 224, 224, 3).
        cases: as read from the .npz.

    Raises:
        DataError: the cases are of another shape, or lack what is compared.
    """
    try:
        return list(_compare(model, frames, cases))
    except (KeyError, ValueError) as error:
        raise DataError(
            f"the cases do not fit the frames or the model ({error}); try: --cases and --frames of one"
        ) from error


def _compare(model: Recognizer, frames: NDArray[np.uint8], cases: Cases) -> Iterator[Difference]:
    network, clips = model.network, _clips(frames)
    glances = network.glance_features(clips)
    decisions = network.decide(glances, clips.valid)
    answers = [model.classify_frames(video) for video in frames]
    routed = torch.stack([torch.as_tensor(answer.logits) for answer in answers])
    executed = torch.cat([answer.decisions.actions for answer in answers])
    policy = _policy(network)
    states = network.answering(glances, decisions)
    every = network.all_features(clips)
    dense = network.classify(type(every)(states, every.looks), decisions.seen().float(), clips.times_s)
    for output, ours in [
        ("policy_features", glances),
        ("h_out", states),
        ("policy_logits", policy.logits(states) if states is not None else None),
        ("executed", executed),
        ("video_logits", routed),
    ]:
        if ours is not None and f"argmax/{output}" in cases:
            yield _difference("argmax", output, ours, cases)
    yield _difference("argmax", "video_logits", dense, cases, " (dense)")
    for name in sorted({key.partition("/")[0] for key in cases if key.endswith("/executed")} - {"argmax"}):
        given = given_decisions(network, cases[f"{name}/executed"], clips.valid)
        yield _difference(name, "video_logits", network.look(clips, glances, given), cases)


def _difference(case: str, output: str, ours: Tensor, cases: Cases, note: str = "") -> Difference:
    theirs = torch.from_numpy(cases[f"{case}/{output}"].astype(np.float64))
    if theirs.shape != ours.shape:
        raise ValueError(f"{case}/{output} is {tuple(theirs.shape)}, the model's {tuple(ours.shape)}")
    apart = (ours.double() - theirs).abs()
    largest = float((apart > 0).sum() if output == "executed" else apart.max())
    return Difference(case, output + note, theirs.numel(), largest, float(theirs.std()))


def given_decisions(network: Network, executed: NDArray[np.generic], valid: Tensor) -> Decisions:
    """Decisions from what was executed at each frame, (V, T): decided wherever no skip before covers the frame."""
    decided = torch.zeros(executed.shape, dtype=torch.bool)
    for video, actions in enumerate(executed.astype(np.int64)):
        t = 0
        while t < len(actions):
            decided[video, t] = True
            t += network.actions.covers[actions[t]]
    chosen = torch.from_numpy(executed.astype(np.int64))
    return Decisions(chosen, decided, valid.clone(), valid, network.actions)


def _policy(network: Network) -> Policy:
    if network.policy is None:
        raise DataError("the model has no policy; try: an imported file of stage 2 or 3")
    return network.policy


def _clips(frames: NDArray[np.uint8]) -> Clips:
    videos, steps = frames.shape[:2]
    times_s = torch.arange(float(steps)).repeat(videos, 1)
    return Clips(torch.from_numpy(frames), torch.ones(videos, steps, dtype=torch.bool), times_s)


def measure(network: Network, frames: NDArray[np.uint8], mix: float, rounds: int) -> dict[int, list[Timing]]:
    """Seconds a video of uniform, the model as it decides, a mix of a given cost, and all networks on all frames.

    Args:
        network: imported.
        frames: uint8, RGB, (V, T, 224, 224, 3).
        mix: cost of the mix, of uniform's.
        rounds: in which the methods take turns.

    Returns:
        For each number of videos at once.
    """
    rivals, whole = Rivals(network), _clips(frames)
    plain, costs = rivals.plain, network.costs
    mixed = draw_decisions(network, whole.valid, mix)
    with torch.inference_mode():
        own = network.decide(network.glance_features(whole), whole.valid)
    macs = {
        "uniform": float(plain.costs.executed(plain.decide(None, whole.valid)).mean()),
        "as it decides": float(costs.executed(own).mean()),
        f"a mix at {mix:g}": float(costs.executed(mixed).mean()),
        "all networks on all frames": float(frames.shape[1] * (costs.glance + costs.policy + sum(costs.looks))),
    }
    found = {}
    for batch in sorted({1, len(frames)}):
        runs = [partial(_each, run, batch, len(frames)) for run in _runs(rivals, whole, mixed)]
        seconds = take_turns(runs, rounds, torch.device("cpu"))
        found[batch] = [
            Timing(name, count / 1e9, tuple(s / len(frames) for s in taken))
            for (name, count), taken in zip(macs.items(), seconds, strict=True)
        ]
    return found


def _runs(rivals: Rivals, whole: Clips, mixed: Decisions) -> list[Callable[[slice], object]]:
    """The methods, on some of the videos."""

    def some(at: slice) -> Clips:
        return Clips(whole.crops[at], whole.valid[at], whole.times_s[at])

    return [
        lambda at: rivals.uniform(some(at)),
        lambda at: rivals.network.recognise(some(at)),
        lambda at: rivals.adaptive(some(at), rows_of(mixed, at)),
        lambda at: rivals.dense(some(at), rows_of(mixed, at)),
    ]


def _each(run: Callable[[slice], object], batch: int, videos: int) -> None:
    for first in range(0, videos, batch):
        run(slice(first, first + batch))


def as_text(differences: Sequence[Difference], timings: Mapping[int, Sequence[Timing]]) -> str:
    """Both tables."""
    rows: list[Sequence[str]] = [("case", "output", "values", "largest difference", "the original's sd")]
    for one in differences:
        apart = f"{one.largest:.0f} differ" if one.output == "executed" else f"{one.largest:.1e}"
        rows.append(
            (one.case, one.output, str(one.values), apart, "" if one.output == "executed" else f"{one.size:.2g}")
        )
    lines = [*aligned(rows, left=2), "", describe_machine(torch.device("cpu"))]
    for batch, methods in timings.items():
        uniform = methods[0]
        rows = [("", "GMACs", "of uniform", "ms/video", "(quartiles)", "of uniform", "times the original's speed")]
        for method in methods:
            share = spread([s / u for s, u in zip(method.seconds, uniform.seconds, strict=True)])
            rows.append(
                (
                    method.name,
                    f"{method.gmacs:.2f}",
                    f"{method.gmacs / uniform.gmacs:.3f}",
                    *in_brackets(spread([1e3 * s for s in method.seconds]), 0),
                    f"{share['median']:.2f}",
                    f"{ORIGINAL_OF_UNIFORM / share['median']:.2f}",
                )
            )
        lines += ["", f"{batch} at once", *aligned(rows)]
    return "\n".join(
        [
            *lines,
            f"the original's speed: {ORIGINAL_OF_UNIFORM} times the seconds of uniform, as measured of its release",
        ]
    )


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.parity", description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL", help="imported: .safetensors")
    parser.add_argument("--cases", type=Path, required=True, metavar="FILE.npz", help="what the original computed")
    parser.add_argument("--frames", type=Path, required=True, metavar="FILE.npy", help="of what")
    parser.add_argument("--mix", type=fraction, default=0.4, metavar="F", help="cost of the mix (default: %(default)s)")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="of timing (default: %(default)s)")
    args = parser.parse_args(argv)
    try:
        frames, cases = np.load(args.frames), dict(np.load(args.cases))
    except (OSError, ValueError) as error:
        raise DataError(f"the cases cannot be read ({error}); try: --frames FILE.npy, --cases FILE.npz") from error
    model = load(args.model, device="cpu")
    print(as_text(compare(model, frames, cases), measure(model.network, frames, args.mix, args.rounds)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

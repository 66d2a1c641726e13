"""`python -m adaframe.evaluation.studies.cost_kinds`: does it pay to train on milliseconds, at equal milliseconds?

Pairs of models of the same data, one trained on MACs and one on latency, are moved along their own curves, each by its own
bias, until training clips take them a fraction of uniform's milliseconds by one table; then both answer the test clips, and
take turns at the clock. Nothing is chosen by what is reported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adaframe.cli.parser import fractions, positive
from adaframe.cli.standalone import telling_errors
from adaframe.data.manifest import Clip, load_dataset
from adaframe.errors import DataError
from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, statistics, summary
from adaframe.evaluation.speed.turns import spread, take_turns
from adaframe.inference.recognizer import Recognizer, load
from adaframe.model.cost import Costs
from adaframe.model.latency import LatencyTable, read_table
from adaframe.model.network import Clips
from adaframe.model.plans import evenly
from adaframe.video import read_clip

KINDS = ("macs", "latency")
BETAS = (0.0, *np.geomspace(0.05, 128, 60).tolist())


@dataclass(frozen=True, eq=False)
class Row:
    """What one model of one pair did at one budget.

    Args:
        kind: what it was trained on.
        budget: in milliseconds by the table, as a fraction of uniform's.
        right: of each test clip, bool, (N,).
        gmacs: executed, as a fraction of uniform's.
        by_table: milliseconds by the table, as a fraction of uniform's.
        measured: milliseconds a clip, one value a round,
        uniform: and what uniform takes, by the same model's weights, in the same rounds.
    """

    kind: str
    budget: float
    right: NDArray[np.bool_]
    gmacs: float
    by_table: float
    measured: tuple[float, ...]
    uniform: tuple[float, ...]


@torch.inference_mode()
def spent(model: Recognizer, batches: Sequence[Clips], prices: Costs, beta: float) -> tuple[Tensor, float, float]:
    """Answers under a bias, (N,), and the executed cost as fractions of uniform's: in GMACs, and by the prices."""
    network, named, decisions = model.network, [], []
    for clips in batches:
        scores, chosen = network.recognise(clips, bias=bias_of(model, beta))
        named.append(scores.argmax(dim=1))
        decisions.append(chosen)
    frames = torch.cat([clips.valid.sum(dim=1) for clips in batches])
    shares = [
        float(sum(costs.executed(d).sum() for d in decisions) / costs.uniform(frames).sum())
        for costs in (network.costs, prices)
    ]
    return torch.cat(named), shares[0], shares[1]


def bias_of(model: Recognizer, beta: float) -> Tensor:
    return -beta * torch.tensor(model.network.price, device=model.device)[None]


def beta_within(cost: Callable[[float], float], budget: float) -> float | None:
    """The least bias of those tried whose cost keeps to a budget; None where none does."""
    return next((beta for beta in BETAS if cost(beta) <= budget), None)


def compare(
    pair: tuple[str, str, str], table: LatencyTable, budgets: Sequence[float], *, clips: int, rounds: int
) -> list[Row]:
    """Both models of a pair at all budgets that both can keep to.

    Args:
        pair: data set, model trained on MACs, model trained on latency.
        table: whose milliseconds count, and whose batch is the clock's.
        budgets: fractions of uniform's milliseconds.
        clips: training clips by whose cost the biases are chosen.
        rounds: of the clock.
    """
    root, *paths = pair
    known = load_dataset(root, "").clips
    models = dict(zip(KINDS, (load(path) for path in paths), strict=True))
    places: list[tuple[str, float, float]] = []
    shown: dict[str, tuple[list[Clips], NDArray[np.str_]]] = {}
    for kind, model in models.items():
        prices = table.costs(model.network.costs)
        learnt, _ = batches_of(model, [c for c in known if c.split == "train"][:clips], table.batch)
        shown[kind] = batches_of(model, [c for c in known if c.split == "test"], table.batch)
        cost = cache(partial(_cost, model, learnt, prices))
        places += [(kind, budget, beta) for budget in budgets if (beta := beta_within(cost, budget)) is not None]
    both = {budget for _, budget, _ in places if sum(b == budget for _, b, _ in places) == len(KINDS)}
    places = [place for place in places if place[1] in both]
    runs: list[Callable[[], object]] = [partial(_uniform, models[kind], shown[kind][0]) for kind in KINDS]
    runs += [partial(_recognise, models[kind], shown[kind][0], beta) for kind, _, beta in places]
    seconds = take_turns(runs, rounds, torch.device("cpu"))
    rows = []
    for (kind, budget, beta), taken in zip(places, seconds[len(KINDS) :], strict=True):
        model, (batches, labels) = models[kind], shown[kind]
        named, gmacs, by_table = spent(model, batches, table.costs(model.network.costs), beta)
        right = np.array(model.classes)[named.numpy()] == labels
        each = [tuple(1e3 * s / len(labels) for s in some) for some in (taken, seconds[KINDS.index(kind)])]
        rows.append(Row(kind, budget, right, gmacs, by_table, each[0], each[1]))
    return rows


def _cost(model: Recognizer, batches: Sequence[Clips], prices: Costs, beta: float) -> float:
    return spent(model, batches, prices, beta)[2]


def _uniform(model: Recognizer, batches: Sequence[Clips]) -> None:
    network, frames = model.network, model.metadata.sampling.frames
    for clips in batches:
        # The head wants features of all that may answer; nothing is glanced at.
        unseen = clips.times_s.new_zeros(*clips.valid.shape, network.glance_width)
        network.look(clips, unseen, evenly(clips.valid, network.costs.strongest, frames, network.actions))


def _recognise(model: Recognizer, batches: Sequence[Clips], beta: float) -> None:
    for clips in batches:
        model.network.recognise(clips, bias=bias_of(model, beta))


def batches_of(model: Recognizer, clips: Sequence[Clip], batch: int) -> tuple[list[Clips], NDArray[np.str_]]:
    """All windows of some clips, so many at once, and the label of each.

    Raises:
        DataError: there are none.
    """
    if not clips:
        raise DataError("no such clips; the data set needs clips of the splits train and test")
    parts = [read_clip(model.metadata.request(clip.path)) for clip in clips]
    labels = [clip.labels[0] for clip, part in zip(clips, parts, strict=True) for _ in part.images]
    images, valid, times_s = (
        torch.from_numpy(np.concatenate([getattr(part, name) for part in parts]))
        for name in ("images", "valid", "times_s")
    )
    times_s = torch.where(valid, times_s - times_s[:, :1], 0.0).float()
    at = [slice(n, n + batch) for n in range(0, len(labels), batch)]
    return [Clips(images[i], valid[i], times_s[i]) for i in at], np.array(labels)


def as_text(pairs: Sequence[Sequence[Row]]) -> str:
    """Markdown: a line for each pair, budget and model, and the paired difference at each budget over all pairs."""
    head = (
        "| pair | ms asked for | trained on | accuracy | of uniform's GMACs | of its ms, by the table | measured | ms |"
    )
    lines = [head, "|---|---|---|---|---|---|---|---|"]
    for number, rows in enumerate(pairs):
        for row in rows:
            ratio = spread([m / u for m, u in zip(row.measured, row.uniform, strict=True)])
            lines.append(
                f"| {number} | {row.budget:g} | {row.kind} | {row.right.mean():.1%} | {row.gmacs:.3f} | {row.by_table:.3f} "
                f"| {ratio['median']:.3f} ({ratio['low']:.3f}–{ratio['high']:.3f}) "
                f"| {np.median(row.measured):.2f} of {np.median(row.uniform):.2f} |"
            )
    return "\n".join([*lines, "", *[_difference(pairs, b) for b in sorted({r.budget for rows in pairs for r in rows})]])


def _difference(pairs: Sequence[Sequence[Row]], budget: float) -> str:
    """How much more often the models trained on latency are right on the same clips; what they take of the others' time."""
    found = [{row.kind: row for row in rows if row.budget == budget} for rows in pairs]
    found = [rows for rows in found if len(rows) == len(KINDS)]
    gains = np.concatenate([r["latency"].right.astype(float) - r["macs"].right.astype(float) for r in found])
    groups = tuple(str(n) for n in range(len(gains)))
    values = statistics(groups, lambda w: (w @ gains) / w.sum(axis=1), draws=DRAWS, seed=SEED)
    gain = summary(values, groups, level=LEVEL)
    times = [float(np.median(r["latency"].measured) / np.median(r["macs"].measured)) for r in found]
    of_time = f"{np.mean(times):.3f} ({min(times):.3f}–{max(times):.3f}) of the time"
    return (
        f"at {budget:g}: trained on latency {100 * gain.value:+.1f} points [{100 * gain.low:+.1f}, {100 * gain.high:+.1f}] "
        f"over {len(gains)} clips of {len(found)} pairs, in {of_time}"
    )


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the comparison."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.studies.cost_kinds", description=__doc__)
    parser.add_argument("--table", required=True, type=Path, metavar="FILE", help="adaframe bench --latency-table FILE")
    parser.add_argument(
        "--pair",
        nargs=3,
        action="append",
        required=True,
        metavar=("DATA", "MACS", "LATENCY"),
        help="a folder of clips, a model of it trained on MACs, and one trained on latency; for each seed",
    )
    parser.add_argument("--budget", type=fractions, default="0.5,0.6", metavar="F,F", help="(default: %(default)s)")
    parser.add_argument(
        "--clips", type=positive, default=100, metavar="N", help="training clips (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="of the clock (default: %(default)s)")
    args = parser.parse_args(argv)
    table = read_table(args.table)
    torch.set_num_threads(table.threads)
    found = [compare(tuple(pair), table, args.budget, clips=args.clips, rounds=args.rounds) for pair in args.pair]
    print(f"{table.machine}; {table.batch} at once; medians of {args.rounds} rounds (quartiles)\n\n{as_text(found)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

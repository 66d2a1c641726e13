"""`python -m adaframe.evaluation.studies.still_probes RUN --events CSV`: what there is to find in still scenes.

RUN is a run of `adaframe train --fold all` on frozen features; events.csv is what `still_scenes` wrote beside its videos.
Every figure is of videos that what gives it has not learnt from (folds), with 95 % intervals by source.

Worth: a linear layer on averages and changes of the strongest look's features, over the frames named. What is gained by
looking at the event alone is what a perfect choice of frames would be worth.
Shows: how well a linear probe on one frame's features tells frames of the event from others, as area under the ROC curve;
alone, and with the change against the frame before.
Looks: of an adaptive run, how many of its looks fell on the event.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from adaframe.cli.configuration import read_config
from adaframe.cli.standalone import telling_errors
from adaframe.data.event_list import read_events
from adaframe.evaluation.bootstrap import DRAWS, LEVEL, SEED, Floats, Interval, statistics, summary
from adaframe.evaluation.metrics import Results, interval, paired_difference
from adaframe.evaluation.report.tables import aligned
from adaframe.evaluation.studies.still_frames import MOST_CHANGED, Videos, choices, films_of
from adaframe.files import write_text
from adaframe.model.checkpoint import load_network
from adaframe.training.feeding.material import Material, learnable, load_material, use_frozen_features
from adaframe.training.frozen import linear_answers
from adaframe.training.frozen import summary as summary_of
from adaframe.training.start import build_network, full_network


@dataclass(frozen=True)
class Figure:
    """A named number with its interval, and its paired difference to the first of its table (None: it is that one)."""

    name: str
    value: Interval
    against_first: Interval | None = None


def worth(videos: Videos, source: str) -> list[Figure]:
    """Accuracy of a linear layer that learns and answers from chosen frames alone, for each way to choose them."""
    found: list[Results] = []
    for name, masks in choices(videos).items():
        rows = [summary_of(film.features[source][mask]) for film, mask in zip(videos.films, masks, strict=True)]
        scores = _out_of_fold(torch.stack(rows), torch.from_numpy(videos.targets), videos.folds)
        n = len(rows)
        found.append(Results(name, scores, videos.targets > 0, np.ones(n), 1.0, None, videos.groups, {}))
    first = found[0]
    return [
        Figure(r.name, interval(r), None if r is first else paired_difference(r, first, metric="accuracy"))
        for r in found
    ]


def change_finds(videos: Videos) -> list[Figure]:
    """How far changed pixels alone lead to the event: of the frames that changed most, and of the event's."""
    masks = next(masks for name, masks in choices(videos).items() if name.endswith(MOST_CHANGED))
    hits = [float((mask & film.event).sum()) for film, mask in zip(videos.films, masks, strict=True)]
    shares = {
        "of the frames that changed most, the event's": [float(mask.sum()) for mask in masks],
        "of the event's frames, among those": [float(film.event.sum()) for film in videos.films],
    }
    return [Figure(name, _ratio(hits, of, videos.groups)) for name, of in shares.items()]


def shows(videos: Videos, source: str) -> list[Figure]:
    """Area under the ROC curve of a linear probe on single frames: does this one show the event?"""
    frames = torch.cat([film.features[source] for film in videos.films])
    steps = [torch.cat([f[:1] * 0, (f[1:] - f[:-1]).abs()]) for f in (film.features[source] for film in videos.films)]
    lengths = [len(film.event) for film in videos.films]
    event = np.concatenate([film.event for film in videos.films])
    targets = torch.from_numpy(np.stack([~event, event], axis=1).astype(np.float32))
    folds, groups = np.repeat(videos.folds, lengths), tuple(np.repeat(videos.groups, lengths).tolist())
    found = []
    for name, x in ((source, frames), (f"{source} and its change", torch.cat([frames, torch.cat(steps)], dim=1))):
        scores = _out_of_fold(x, targets, folds)[:, 1]
        areas = statistics(groups, lambda w, s=scores: roc_areas(s, event, w), draws=DRAWS, seed=SEED)  # type: ignore[misc]
        found.append(Figure(name, summary(areas, groups, level=LEVEL)))
    return found


def roc_areas(scores: Floats, positive: NDArray[np.bool_], weights: Floats) -> Floats:
    """Area under the ROC curve of N scores for each of R rows of weights (R, N), (R,); equal scores count half."""
    _, place = np.unique(scores, return_inverse=True)
    order = np.argsort(place, kind="stable")
    first = np.flatnonzero(np.diff(place[order], prepend=-1))
    of = [np.add.reduceat(weights[:, order] * side[order], first, axis=1) for side in (positive, ~positive)]
    right = of[0] * (np.cumsum(of[1], axis=1) - of[1] / 2)
    return np.asarray(right.sum(axis=1) / (of[0].sum(axis=1) * of[1].sum(axis=1)))


def looks(material: Material, videos: Videos, run: Path) -> list[Figure]:
    """Where an adaptive run's looks fell, each fold's model on the videos that it has not learnt from.

    Raises:
        CheckpointError: a fold's model is not there.
    """
    sampled = np.zeros((len(videos.films), material.config.model.sampling.frames), dtype=bool)
    for fold in sorted(set(videos.folds)):
        network, metadata = load_network(run / f"fold-{fold}" / "model.safetensors")
        bias = -metadata.beta_for(material.config.budget) * torch.tensor(network.price)[None]
        held_out = [n for n, its in zip(material.readable, videos.folds, strict=True) if its == fold]
        rows = np.flatnonzero(videos.folds == fold)
        with torch.inference_mode():
            batches = list(material.batches(network, held_out))
            glances = [batch.features.glance if batch.features is not None else None for batch in batches]
            seen = [network.decide(g, b.valid, bias=bias).seen() for g, b in zip(glances, batches, strict=True)]
        sampled[rows] = torch.cat(seen).any(dim=-1).numpy()
    looked = [row[: len(film.event)] for row, film in zip(sampled, videos.films, strict=True)]
    hits = [float((row & film.event).sum()) for row, film in zip(looked, videos.films, strict=True)]
    shares = {
        "of the looks, on the event": [float(row.sum()) for row in looked],
        "of the event's frames, looked at": [float(film.event.sum()) for film in videos.films],
    }
    return [Figure(name, _ratio(hits, of, videos.groups)) for name, of in shares.items()]


def _ratio(part: Sequence[float], whole: Sequence[float], groups: tuple[str, ...]) -> Interval:
    """Sum over videos of one by the sum of the other."""
    above, below = np.array(part), np.array(whole)
    draws = statistics(groups, lambda w: np.asarray((w @ above) / (w @ below)), draws=DRAWS, seed=SEED)
    return summary(draws, groups, level=LEVEL)


def _out_of_fold(x: torch.Tensor, y: torch.Tensor, folds: NDArray[np.str_]) -> Floats:
    """Probabilities of each row by what was learnt from the other folds, (N, K)."""
    scores = np.zeros(y.shape)
    for fold in sorted(set(folds)):
        out = torch.from_numpy(folds == fold)
        scores[out.numpy()] = linear_answers(x[~out], y[~out], x[out], multi_label=False).numpy()
    return scores


def table(title: str, figures: Sequence[Figure], *, percent: bool = True) -> str:
    """One table as aligned text."""
    times, digits, unit = (100, 1, " %") if percent else (1, 3, "")

    def told(i: Interval | None, sign: str = "", unit: str = unit) -> str:
        if i is None:
            return ""
        value, low, high = (f"{times * v:{sign}.{digits}f}" for v in (i.value, i.low, i.high))
        return f"{value}{unit} [{low}, {high}]"

    paired = any(f.against_first for f in figures)
    header = [title, "", *(["against the first, paired"] if paired else [])]
    rows = [[f.name, told(f.value), *([told(f.against_first, "+", "")] if paired else [])] for f in figures]
    return aligned([header, *rows])


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the tables; with --json also write them."""
    parser = argparse.ArgumentParser(
        prog="python -m adaframe.evaluation.studies.still_probes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of adaframe train --fold all")
    parser.add_argument("--events", required=True, type=Path, metavar="CSV", help="what still_scenes wrote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args(argv)
    config = read_config(str(args.run / "config.yaml"))
    events = read_events(args.events)
    data_set = learnable(config)
    start = build_network(config, len(data_set.classes))
    with load_material(config, data_set, args.run) as material:
        network = full_network(config, start, len(data_set.classes))
        use_frozen_features(material, network)
        strongest = network.actions.looks[network.costs.strongest]
        videos = films_of(material, (strongest, "glance"), events)
        found = {
            "worth": worth(videos, strongest),
            "change": change_finds(videos),
            "shows": [figure for source in ("glance", strongest) for figure in shows(videos, source)],
            "looks": looks(material, videos, args.run) if config.policy == "adaptive" else [],
        }
    titles = {"worth": "accuracy from", "change": "changed pixels", "shows": "ROC area from one", "looks": "this run"}
    print(
        f"{len(videos.films)} videos, {len(set(videos.groups))} sources; {videos.content():.1%} of the sampled frames show "
        f"the event; glances of {config.model.glance.pixels} pixels"
    )
    for name, figures in found.items():
        if figures:
            print(f"\n{table(titles[name], figures, percent=name != 'shows')}")
    if args.json:
        tables = {name: [asdict(figure) for figure in figures] for name, figures in found.items()}
        facts = {"videos": len(videos.films), "content": videos.content(), "run": str(args.run)}
        write_text(args.json, json.dumps(facts | tables, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

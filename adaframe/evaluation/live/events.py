"""`python -m adaframe.evaluation.live.events`: what live recognition makes of clips that were joined to a stream.

The clips of each fold, which the fold's model has not learnt from, are joined: scenes (up to so many clips of one group and
label) in random order. Frames come one by one, as from a camera; the smoothing is that of `adaframe stream`.

The rule, for one label: the stream's true events are its unbroken stretches of that label. An event that was told finds a
true one if it begins while that lasts; each finds one at most, and each is found once. Precision: share of the events told
that found one. Recall: share of the true ones found. Delay: from the beginning of a true event to the event told that found
it. An event that begins before the true one does is thus a false one. `time right` is the share of all moments whose label is
right, every delay counted as wrong.

Beside the budgets the table has uniform with the same weights: on every frame, and on those where pixels change alone, which is
how cameras are often watched (by the same detector that lets the policy rest while a picture stands still).

With --events the true events are parts of the clips (where each is: the list that `evaluation.studies.still_scenes` wrote),
those of the clips with the label; at every other moment it is right not to tell the label. As the answer is about the last
window, an event shorter than that may be told after its end: --late says how long after it still counts as found.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from adaframe.cli.parser import fraction, positive, seconds
from adaframe.cli.standalone import telling_errors
from adaframe.data.clips import Clip, DataSet
from adaframe.data.event_list import read_events
from adaframe.data.manifest import load_dataset
from adaframe.errors import DataError
from adaframe.evaluation.live.joined_clips import Crops, Events, Stretch, joined, stream_of, stretches, within
from adaframe.inference.moment import Moment
from adaframe.inference.recognizer import Recognizer, load
from adaframe.inference.reporter import Reporter
from adaframe.inference.streaming import Streaming
from adaframe.model.plans import parse_plan
from adaframe.progress import Line
from adaframe.video.live_frame import LiveFrame

_NEVER = datetime.fromtimestamp(0.0, timezone.utc)  # frames of joined clips have no time of day


@dataclass(frozen=True)
class Method:
    """A way to go about a stream.

    Args:
        name: in the table.
        budget: fraction of uniform's compute; None: uniform itself, with the same weights.
        rate: of the sampling rate.
        still: whether still pictures are left out; None: by a policy they are, by uniform they are not.
    """

    name: str
    budget: float | None
    rate: float = 1.0
    still: bool | None = None


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a method made of one stream.

    Args:
        told: events.
        true: events.
        delays_s: of those found.
        right: share of the moments whose label is right.
        gmacs: 1e9 multiply-adds executed.
        seconds: of stream.
    """

    told: int
    true: int
    delays_s: tuple[float, ...]
    right: float
    gmacs: float
    seconds: float


def match(begins_s: Sequence[float], true: Sequence[Stretch], late_s: float = 0.0) -> list[float]:
    """Delays of the true events that were found: each by the first event told that begins while it lasts.

    Args:
        begins_s: of the events told, in order.
        true: start and end of each, in order.
        late_s: so long after its end one is found, too, but not once the next has begun.
    """
    delays = []
    nexts_s = [start_s for start_s, _ in true[1:]] + [np.inf]
    for (start_s, end_s), next_s in zip(true, nexts_s, strict=True):
        within = [begin for begin in begins_s if start_s <= begin < max(end_s, min(end_s + late_s, next_s))]
        delays += [within[0] - start_s] if within else []
    return delays


def run(
    model: Recognizer,
    clips: Sequence[Clip],
    crops: Crops,
    method: Method,
    label: str,
    events: Events | None = None,
    late_s: float = 0.0,
) -> Outcome:
    """One method on the stream that the clips make; with events, those are the true ones, not whole clips."""
    ends_s = np.cumsum([crops.of(clip)[1][-1] for clip in clips]).tolist()
    if events is None:
        true = stretches([clip.labels[0] for clip in clips], ends_s, label)
    else:
        true = within(clips, ends_s, events, label)
    plan = model.network.plan
    if method.budget is None:
        model.network.plan = parse_plan("uniform", model.metadata.model)
    beta = 0.0 if method.budget is None else model.metadata.beta_for(method.budget)
    eyes = Streaming(model, beta=beta, rate=method.rate, still=method.still)
    reporter = Reporter(model.metadata, window_s=eyes.window_s, spacing_s=eyes.nominal_s)
    begins: list[float] = []
    right: list[bool] = []
    macs = 0.0
    for n, (image, time_s, holding) in enumerate(stream_of(clips, crops)):
        (answer,) = eyes.see([("joined", image, time_s)])
        if answer is None:
            continue
        macs += answer.macs
        frame = LiveFrame("joined", n, image, time_s, _NEVER, 0.0, 0)
        for told in reporter.tell(frame, answer, load=0.0, budget=None, note=""):
            if isinstance(told, Moment):
                if events is None:
                    right.append(told.label == holding)
                else:
                    right.append((told.label == label) == any(start <= time_s < end for start, end in true))
            elif (told.event, told.label) == ("start", label):
                begins.append(time_s)
    model.network.plan = plan
    return Outcome(
        len(begins), len(true), tuple(match(begins, true, late_s)), float(np.mean(right)), macs / 1e9, ends_s[-1]
    )


def as_text(outcomes: dict[str, list[Outcome]]) -> str:
    """A table: all streams together, and the spread over them."""
    rows = [
        ("", "told", "true", "precision", "recall", "(by stream)", "delay s", "(quartiles)", "time right", "GMACs/s")
    ]
    for name, parts in outcomes.items():
        told, true = sum(p.told for p in parts), sum(p.true for p in parts)
        found = sum(len(p.delays_s) for p in parts)
        recalls = [len(p.delays_s) / p.true for p in parts if p.true]
        delays = np.quantile([d for p in parts for d in p.delays_s] or [np.nan], (0.25, 0.5, 0.75)).tolist()
        seconds = sum(p.seconds for p in parts)
        rows.append(
            (
                name,
                str(told),
                str(true),
                f"{100 * found / told:.1f} %" if told else "–",
                f"{100 * found / true:.1f} %" if true else "–",
                f"({100 * min(recalls, default=0):.0f}–{100 * max(recalls, default=0):.0f})",
                f"{delays[1]:.2f}",
                f"({delays[0]:.2f}–{delays[2]:.2f})",
                f"{100 * sum(p.right * p.seconds for p in parts) / seconds:.1f} %",
                f"{sum(p.gmacs for p in parts) / seconds:.3f}",
            )
        )
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(
        "  ".join(c.rjust(w) if i else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))).rstrip()
        for row in rows
    )


def measure(
    data: DataSet,
    run_dir: Path,
    methods: Sequence[Method],
    *,
    label: str,
    scene: int,
    seeds: Sequence[int],
    events: Events | None = None,
    late_s: float = 0.0,
) -> dict[str, list[Outcome]]:
    """What each method made of each fold's streams (one for each seed), by its name.

    Raises:
        DataError: no folds, or no such label.
        CheckpointError: a fold's model is not there.
    """
    if not data.folds or label not in data.classes:
        raise DataError(
            f"needs clips with folds, some of them labelled {label}; folds: {', '.join(data.folds) or 'none'}"
        )
    outcomes: dict[str, list[Outcome]] = {method.name: [] for method in methods}
    line = Line("folds and methods")
    for i, fold in enumerate(data.folds):
        model = load(run_dir / f"fold-{fold}" / "model.safetensors", device="cpu")
        own = [clip for clip in data.clips if clip.fold == fold]
        crops = Crops(model.metadata.preprocess)
        streams = [joined(own, scene=scene, seed=seed) for seed in seeds]
        for j, (method, clips) in enumerate(itertools.product(methods, streams)):
            outcomes[method.name].append(run(model, clips, crops, method, label, events, late_s))
            line.update(i * len(methods) * len(seeds) + j + 1, len(data.folds) * len(methods) * len(seeds))
    line.done()
    return outcomes


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m adaframe.evaluation.live.events",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run", type=Path, metavar="DIR", help="of adaframe train --fold all: DIR/fold-K/model.safetensors"
    )
    parser.add_argument("--manifest", required=True, metavar="CSV", help="the clips, with folds and groups")
    parser.add_argument("--root", default="", metavar="DIR", help="what its paths are relative to (default: the CSV)")
    parser.add_argument("--label", required=True, help="whose events are counted")
    parser.add_argument("--budget", type=fraction, nargs="*", default=[], metavar="F", help="fractions of uniform")
    parser.add_argument("--rate", type=fraction, nargs="*", default=[], metavar="R", help="lower sampling rates, too")
    parser.add_argument(
        "--scene", type=positive, default=4, metavar="N", help="clips of a scene (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, nargs="+", default=[0], help="of the order of the scenes (default: 0)")
    parser.add_argument("--events", type=Path, metavar="CSV", help="where in each clip its event is")
    parser.add_argument(
        "--late", type=seconds, default=0.0, metavar="S", help="after its end an event is found, too (default: 0)"
    )
    args = parser.parse_args(argv)
    methods = [Method(f"budget {budget:g}", budget) for budget in args.budget]
    methods += [Method(f"own budget, rate {rate:g}", 1.0, rate) for rate in args.rate]
    methods.append(Method("uniform where pixels change", None, still=True))
    methods.append(Method("uniform, same weights", None))
    data = load_dataset(args.root, args.manifest)
    outcomes = measure(
        data,
        args.run,
        methods,
        label=args.label,
        scene=args.scene,
        seeds=args.seed,
        events=read_events(args.events) if args.events else None,
        late_s=args.late,
    )
    print(as_text(outcomes))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m adaframe.evaluation.studies.still_scenes`: what cameras mostly show, built from short clips.

Every clip becomes one video: its event somewhere in its own scene standing still, with a sensor's noise in every frame and
small changes of light. The video has the clip's label, fold and group. The empty scene is the median over time of all clips of
the same source and camera, whatever their label, and what moves all the same is filled in from around it: so it tells little
about what is to come. Who takes part in the event comes up within a quarter of a second, without a cut. DIR/clips.csv is a
manifest for `adaframe train`; DIR/events.csv says where each event is, for analyses only.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from adaframe.cli.parser import positive, seconds
from adaframe.cli.standalone import telling_errors
from adaframe.data.manifest import Clip, load_dataset
from adaframe.errors import UsageError
from adaframe.evaluation.speed.decode_films import encode
from adaframe.evaluation.studies.still_film import Event, Film, Picture, draw_event, empty_scenes, film
from adaframe.files import atomic_path, write_text
from adaframe.progress import Line
from adaframe.video import probe, read_frames
from adaframe.video.resize import fitted

_GOP = 48  # frames from a key frame to the next: 6 s at 8 frames a second


@dataclass(frozen=True)
class Order:
    """What to make of the clips of one source.

    Args:
        clips: of it, with their numbers in the manifest.
        out: folder of the videos.
        length_s: shortest and longest video.
        event_s: seconds of each clip that are shown, from its middle.
        short: pixels of the shorter side, at most.
        how: it is filmed.
        seed: of all that is random.
    """

    clips: tuple[tuple[int, Clip], ...]
    out: Path
    length_s: tuple[float, float]
    event_s: float
    short: int
    how: Film
    seed: int


@dataclass(frozen=True)
class Made:
    """A video: the number of its clip, its event, and how many other clips its empty scene was taken from."""

    number: int
    event: Event
    others: int


def make(order: Order) -> list[Made]:
    """Render and encode all videos of one source."""
    by_size: dict[tuple[int, ...], list[tuple[int, list[Picture]]]] = {}
    for number, clip in order.clips:
        pictures = _pictures(clip, round(order.event_s * order.how.fps), order.event_s, order.short)
        by_size.setdefault(pictures[0].shape, []).append((number, pictures))
    made = []
    for alike in by_size.values():
        scenes = empty_scenes([pictures for _, pictures in alike])
        for (number, pictures), (scene, others) in zip(alike, scenes, strict=True):
            random = np.random.default_rng((order.seed, number))
            event = draw_event(random, order.length_s, order.event_s)
            with atomic_path(order.out / _name(number)) as temporary:
                encode(temporary, film(scene, pictures, event, order.how, random), fps=order.how.fps, gop=_GOP)
            made.append(Made(number, event, others))
    return made


def _name(number: int) -> str:
    return f"videos/{number:04d}.mp4"  # tells nothing about the label


def _pictures(clip: Clip, count: int, within_s: float, short: int) -> list[Picture]:
    """So many frames of a clip, evenly spread over so many seconds in its middle."""
    facts = probe(clip.path)
    start, end = clip.start_s or 0.0, facts.duration_s if clip.end_s is None else clip.end_s
    if end - start > within_s:
        start += (end - start - within_s) / 2
        end = start + within_s
    wanted = start + (np.arange(count) + 0.5) * (end - start) / count
    indices = np.clip(np.searchsorted(facts.times_s, wanted, side="right") - 1, 0, facts.frames - 1)
    scale = min(short / min(facts.height, facts.width), 1.0)
    size = [2 * round(side * scale / 2) for side in (facts.height, facts.width)]  # even, as the encoder wants it
    return [fitted(image, *size) for image in read_frames(clip.path, indices, facts=facts).images]


def render(orders: Sequence[Order], workers: int) -> list[Made]:
    """Make all videos in child processes; in the order of their numbers."""
    line, made, total = Line("rendering"), [], sum(len(order.clips) for order in orders)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        # The longest first, so that no process is left with it at the end.
        for some in pool.map(make, sorted(orders, key=lambda order: -len(order.clips))):
            made += some
            line.update(len(made), total)
    line.done()
    return sorted(made, key=lambda one: one.number)


def cut_around(event: Event, length_s: float, random: np.random.Generator) -> tuple[float, float]:
    """Start and end of a part of the video that is so long and holds the event, anywhere in it."""
    earliest = max(event.end_s - length_s, 0.0)
    latest = min(event.start_s, max(event.length_s - length_s, 0.0))
    start = float(random.uniform(earliest, latest))
    return start, min(start + length_s, event.length_s)


def write_lists(clips: Sequence[Clip], made: Sequence[Made], out: Path, *, cuts_s: Sequence[float], seed: int) -> None:
    """clips.csv, clips-Ns.csv for each cut, and events.csv."""
    rows = [(_name(m.number), "|".join(c.labels), c.fold, c.group or c.path) for c, m in zip(clips, made, strict=True)]
    write_text(out / "clips.csv", _csv([("path", "label", "fold", "group"), *rows]))
    for length_s in cuts_s:
        random = np.random.default_rng(seed)
        parts = [cut_around(m.event, length_s, random) for m in made]
        cut = [(*row, f"{start:.3f}", f"{end:.3f}") for row, (start, end) in zip(rows, parts, strict=True)]
        header = ("path", "label", "fold", "group", "start_s", "end_s")
        write_text(out / f"clips-{length_s:g}s.csv", _csv([header, *cut]))
    events = [
        (_name(m.number), clip.path, *(f"{s:.3f}" for s in (m.event.start_s, m.event.end_s)), str(m.others))
        for clip, m in zip(clips, made, strict=True)
    ]
    write_text(out / "events.csv", _csv([("path", "source", "start_s", "end_s", "others_in_scene"), *events]))


def _csv(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Render the videos and say what they are."""
    parser = argparse.ArgumentParser(
        prog="python -m adaframe.evaluation.studies.still_scenes",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--source", required=True, metavar="CSV", help="manifest of short clips, with groups")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="where the videos go")
    parser.add_argument(
        "--length", type=seconds, nargs=2, default=(20.0, 60.0), metavar="S", help="shortest and longest (20 60)"
    )
    parser.add_argument("--event", type=seconds, default=2.0, metavar="S", help="of each clip (default: %(default)s)")
    parser.add_argument(
        "--cut", type=seconds, nargs="*", default=(), metavar="S", help="also lists of parts so long around the events"
    )
    parser.add_argument("--short", type=positive, default=160, help="pixels of the shorter side (default: %(default)s)")
    parser.add_argument("--light", type=float, default=1.0, help="factor on the changes of light; 0: none")
    parser.add_argument("--seed", type=int, default=0, help="of lengths, places, light and noise")
    parser.add_argument("--workers", type=positive, default=2, help="processes (default: %(default)s)")
    args = parser.parse_args(argv)
    length_s = (min(args.length), max(args.length))
    if min(*length_s, *args.cut) < args.event:
        raise UsageError(f"--length and --cut: shorter than the event, which lasts {args.event:g} s")
    clips = load_dataset("", args.source).clips
    by_group: dict[str, list[tuple[int, Clip]]] = {}
    for number, clip in enumerate(clips):
        by_group.setdefault(clip.group or clip.path, []).append((number, clip))
    how = Film(light=args.light)
    orders = [
        Order(tuple(some), args.out, length_s, args.event, args.short, how, args.seed) for some in by_group.values()
    ]
    made = render(orders, args.workers)
    write_lists(clips, made, args.out, cuts_s=args.cut, seed=args.seed)
    total = sum(one.event.length_s for one in made)
    content = sum(one.event.end_s - one.event.start_s for one in made) / total
    alone = sum(not one.others for one in made)
    print(
        f"{len(made)} videos, {total / 60:.0f} minutes, {content:.1%} of them event; {alone} empty scenes are of one clip "
        f"alone; {args.out / 'clips.csv'}, {args.out / 'events.csv'}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Whether `adaframe classify` stays as small and as fast as it was: over very many files, and over very long ones.

    python -m adaframe.evaluation.speed.endurance links DIR [--files 10000] [--checkpoint FILE]
    python -m adaframe.evaluation.speed.endurance films [--minutes 15,30,60] [--checkpoint FILE]

links: a folder of so many symbolic links to the videos of DIR, by --out. films: a minute of a drifting texture is rendered
(H.264, 256x256, a key frame every 50), and joined to films without encoding it again. Memory is resident memory: of the
command itself, and of its decoding processes, where what they share counts for each. Linux only, as /proc tells it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import av

from adaframe.cli.parser import positive
from adaframe.cli.standalone import telling_errors
from adaframe.data.folders import videos_below
from adaframe.errors import DataError
from adaframe.evaluation.speed.decode_films import render
from adaframe.evaluation.speed.watched import Sample, watch

_TENTHS = 10


@dataclass(frozen=True)
class Endured:
    """A run of the command.

    Args:
        what: it went through.
        samples: taken while it ran, in order.
        total: what `done` of a finished run is.
    """

    what: str
    samples: tuple[Sample, ...]
    total: int

    def at(self, share: float) -> Sample:
        """The first sample with so much done."""
        return next((s for s in self.samples if s.done >= share * self.total), self.samples[-1])

    def slope_mb(self) -> float:
        """Growth of the memory over the second half, 1e6 bytes per thousand done (least squares)."""
        late = [s for s in self.samples if s.done >= self.total / 2]
        count = len(late)
        x, y = [s.done / 1000 for s in late], [s.own_mb + s.children_mb for s in late]
        mean_x, mean_y = sum(x) / count, sum(y) / count
        spread = sum((a - mean_x) ** 2 for a in x)
        return sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread if spread else 0.0


def links(folder: Path, files: int, checkpoint: Path | None) -> Endured:
    """Classify so many links to the videos of a folder.

    Raises:
        DataError: there is no video.
        AdaframeError: the command failed, or there is no /proc.
    """
    videos = [os.path.abspath(path) for path in videos_below(folder)]
    if not videos:
        raise DataError(f"{folder}: no video in this folder; try: another")
    with tempfile.TemporaryDirectory() as place:
        many, out = Path(place) / "links", Path(place) / "results.jsonl"
        many.mkdir()
        for n in range(files):
            video = videos[n % len(videos)]
            (many / f"{n:06}{Path(video).suffix}").symlink_to(video)
        samples = watch(_classify(str(many), "--out", str(out), checkpoint=checkpoint), _lines_of(out))
        return Endured(f"{files} files", tuple(samples), files)


def film(minute: Path, minutes: int, checkpoint: Path | None) -> tuple[Endured, int]:
    """Classify a film of so many minutes; also how many windows it had. What is done is the tenth of a second that it is."""
    with tempfile.TemporaryDirectory() as place:
        path, out = Path(place) / f"{minutes}.mp4", Path(place) / "results.jsonl"
        join(minute, minutes, path)
        samples = watch(_classify(str(path), "--out", str(out), checkpoint=checkpoint), lambda: 0)
        timed = [Sample(s.seconds, round(10 * s.seconds), s.own_mb, s.children_mb) for s in samples]
        windows = len(json.loads(out.read_text())["timeline"])
        return Endured(f"{minutes} minutes", tuple(timed), timed[-1].done), windows


def join(path: Path, times: int, target: Path) -> None:
    """A file that shows another so many times, of the same packets with later stamps."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        given = source.streams.video[0]
        stream = container.add_stream_from_template(given)
        packets = [(packet, packet.pts, packet.dts) for packet in source.demux(given) if packet.size]
        length = max(pts + packet.duration for packet, pts, _ in packets) - min(pts for _, pts, _ in packets)
        for n in range(times):
            for packet, pts, dts in packets:
                packet.pts, packet.dts, packet.stream = pts + n * length, dts + n * length, stream
                packet.time_base = given.time_base
                container.mux(packet)


def _classify(*words: str, checkpoint: Path | None) -> list[str]:
    chosen = ["--checkpoint", str(checkpoint)] if checkpoint else []
    return [sys.executable, "-m", "adaframe", "classify", *words, "--device", "cpu", *chosen]


def _lines_of(path: Path) -> Callable[[], int]:
    """Counts the lines of a growing file, of which it reads what is new."""
    lines = place = 0

    def count() -> int:
        nonlocal lines, place
        if path.exists():
            with path.open("rb") as file:
                file.seek(place)
                new = file.read()
            lines, place = lines + new.count(b"\n"), place + len(new)
        return lines

    return count


def lines(endured: Endured) -> list[str]:
    """For people: memory at 10, 50 and 100 % of the work, and what each tenth of it took."""
    told = [f"{endured.what}: {endured.samples[-1].seconds:.1f} s"]
    for share in (0.1, 0.5, 1.0):
        sample = endured.at(share)
        told.append(
            f"  at {share:>4.0%} {sample.own_mb:>6.0f} MB, decoding processes {sample.children_mb:>6.0f} MB together"
        )
    most = max(sample.own_mb + sample.children_mb for sample in endured.samples)
    return [*told, f"  most {most:.0f} MB in all"]


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Print what came of it."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.speed.endurance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    many = commands.add_parser("links", help="very many files")
    many.add_argument("folder", type=Path, metavar="DIR", help="its videos are linked to")
    many.add_argument("--files", type=positive, default=10000, metavar="N", help="links (default: %(default)s)")
    long = commands.add_parser("films", help="very long files")
    long.add_argument("--minutes", type=_minutes, default=[15, 30, 60], metavar="N,…", help="of each film")
    for command in (many, long):
        command.add_argument("--checkpoint", type=Path, metavar="FILE", help="model (default: the bundled example)")
    args = parser.parse_args(argv)
    if args.command == "links":
        endured = links(args.folder, args.files, args.checkpoint)
        seconds = [endured.at(tenth / _TENTHS).seconds for tenth in range(_TENTHS + 1)]
        each = [after - before for before, after in pairwise(seconds)]
        print("\n".join(lines(endured)))
        print(f"  growth {endured.slope_mb():+.2f} MB per 1000 files over the second half")
        memory = [endured.at(tenth / _TENTHS).own_mb for tenth in range(1, _TENTHS + 1)]
        print(f"  MB after each tenth: {', '.join(f'{tenth:.0f}' for tenth in memory)}")
        print(f"  seconds of each tenth: {', '.join(f'{tenth:.1f}' for tenth in each)} (the first with the start)")
        return 0
    with tempfile.TemporaryDirectory() as place:
        minute = render(Path(place) / "minute.mp4", gop=50, size=(256, 256), seconds=60.0)
        for minutes in args.minutes:
            endured, windows = film(minute, minutes, args.checkpoint)
            print("\n".join(lines(endured)))
            each_ms = 1000 * endured.samples[-1].seconds / windows
            print(f"  {windows} windows, {each_ms:.1f} ms a window with the start")
    return 0


def _minutes(text: str) -> list[int]:
    return [positive(part) for part in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())

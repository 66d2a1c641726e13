"""Videos a second of a folder: decoding alone, the model alone, and `adaframe classify` as a whole.

    python -m adaframe.evaluation.folder_speed DIR [--checkpoint FILE] [--budget F] [--workers N] [--device D]

For clips, not for films: so many files at a time are held in memory.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from adaframe.cli.parser import fraction, positive
from adaframe.data.folders import videos_below
from adaframe.errors import AdaframeError, DataError, VideoError
from adaframe.inference.recognizer import Recognizer, load
from adaframe.inference.together import batches, recognise_paths
from adaframe.progress import Line
from adaframe.video import DecodePool, Parts

_FILES = 32  # decoded before the model has its turn


@dataclass(frozen=True)
class FolderSpeed:
    """Wall time of the same files, one pass each; the pool runs and the model is loaded before.

    Args:
        files: that could be read.
        failed: that could not; they count in none of the times but `whole_s`.
        windows: of the files.
        decode_s: all processes of the pool, while the model rests.
        model_s: on what they decoded, while they rest; in batches as large as `classify` makes them at most.
        whole_s: both beside each other.
    """

    files: int
    failed: int
    windows: int
    decode_s: float
    model_s: float
    whole_s: float

    def lines(self) -> list[str]:
        """For people."""
        told = [f"{self.files} videos, {self.windows} windows" + (f", {self.failed} failed" if self.failed else "")]
        for name, seconds in (("decode", self.decode_s), ("model", self.model_s), ("whole", self.whole_s)):
            told.append(f"{name:<7}{self.files / seconds:8.1f} videos/s  {1000 * seconds / self.files:8.1f} ms a video")
        return told


def measure(
    paths: Sequence[str | Path], recognizer: Recognizer, *, budget: float | None = None, workers: int = 0
) -> FolderSpeed:
    """Recognise the files twice: by turns (some files decoded, then the model on those), and as `classify` does.

    Raises:
        DataError: none of the files can be read.
        AdaframeError: the budget is below what the model can do.
    """
    metadata = recognizer.metadata
    beta = metadata.beta_for(budget)
    decode_s = model_s = 0.0
    files = failed = windows = 0
    left = iter(paths)
    line = Line("decoding and recognising by turns")
    with DecodePool(workers=workers) as pool:
        list(Parts(pool, [metadata.request(str(path)) for path in paths[: 2 * pool.workers]]))  # processes have started
        while some := list(islice(left, _FILES)):
            started = time.perf_counter()
            parts = list(Parts(pool, [metadata.request(str(path)) for path in some]))
            decoded = time.perf_counter()
            for batch in batches(iter(parts), lambda: True):
                frames = [part.frames for part in batch if not isinstance(part.frames, VideoError)]
                if frames:
                    windows += sum(len(found.scores) for found in recognizer.recognise_parts(frames, beta=beta))
            decode_s, model_s = decode_s + decoded - started, model_s + time.perf_counter() - decoded
            bad = sum(isinstance(part.frames, VideoError) for part in parts)
            files, failed = files + len(some) - bad, failed + bad
            line.update(files + failed, len(paths))
        line.done()
        if not files:
            raise DataError("none of the videos can be read; try: adaframe classify on one of them says why")
        started = time.perf_counter()
        for _ in recognise_paths(lambda: recognizer, metadata, paths, pool, beta=beta):
            pass
        return FolderSpeed(files, failed, windows, decode_s, model_s, time.perf_counter() - started)


def main(argv: Sequence[str] | None = None) -> int:
    """Print the three figures."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.evaluation.folder_speed", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="its videos, recursively")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="model (default: the bundled example)")
    parser.add_argument("--budget", type=fraction, metavar="F", help="as of adaframe classify")
    parser.add_argument("--workers", type=positive, default=0, metavar="N", help="decoding processes")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, ...")
    args = parser.parse_args(argv)
    try:
        recognizer = load(args.checkpoint, device=args.device)
        speed = measure(videos_below(args.folder), recognizer, budget=args.budget, workers=args.workers)
    except AdaframeError as error:
        print(f"adaframe: error: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(speed.lines()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

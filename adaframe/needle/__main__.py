"""`python -m adaframe.needle ROOT`: renders the data set of the demo, or another one of its kind."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable
from pathlib import Path

from adaframe.errors import AdaframeError
from adaframe.needle import CUES, TEXTURES, NeedleSpec, render

_HELP = {
    "classes": "how many of the family's textures are classes",
    "pixels": "side of the picture",
    "frames": "in a clip, a multiple of --segments",
    "fps": "frames per second",
    "evidence_segments": "parts of a clip that show the class",
    "segments": "equal parts of a clip",
    "texture": "family of textures: " + ", ".join(TEXTURES),
    "cue": "what marks the evidence: " + ", ".join(CUES),
    "patch": "side of the textured patch in pixels",
    "contrast": "of the texture, standard deviation in luma levels",
    "decoys": "share of the other segments that show a patch of a random class",
    "noise": "in each pixel, standard deviation in luma levels",
    "light": "of the background, largest change in luma levels",
    "seed": "of everything random",
}


def main(argv: list[str] | None = None) -> int:
    """Renders as the flags say; returns the exit code (0 done, 1 failed, 2 wrong usage)."""
    parser = argparse.ArgumentParser(prog="python -m adaframe.needle", description=__doc__)
    parser.add_argument("root", type=Path, metavar="ROOT", help="folder of the data set")
    parser.add_argument("--train", type=int, default=400, help="training clips (%(default)s)")
    parser.add_argument("--test", type=int, default=200, help="test clips (%(default)s)")
    parser.add_argument("--workers", type=int, default=0, help="threads; 0: one per core (%(default)s)")
    for field in dataclasses.fields(NeedleSpec):
        flag, kind = "--" + field.name.replace("_", "-"), type(field.default)
        parser.add_argument(flag, type=kind, default=field.default, help=f"{_HELP[field.name]} (%(default)s)")
    values = vars(parser.parse_args(argv))
    root, counts = values.pop("root"), {name: values.pop(name) for name in ("train", "test", "workers")}
    try:
        render(root, NeedleSpec(**values), **counts, progress=_progress_line())
    except AdaframeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("\nstopped; the same command goes on from here", file=sys.stderr)
        return 1
    print(root)
    return 0


def _progress_line() -> Callable[[int, int], None]:
    """A line on stderr: how many clips are there, and how long the rest takes. A terminal shows it in one place."""
    start, tty = time.monotonic(), sys.stderr.isatty()
    first, last = 0, start  # the first clip that this run made; when something was said

    def say(done: int, total: int) -> None:
        nonlocal first, last
        now = time.monotonic()
        first = first or done
        if done < total and now - last < (0.2 if tty else 5.0):
            return
        last = now
        left = (now - start) * (total - done) / (done - first + 1)
        end = "\n" if done == total or not tty else ""
        print(f"\r{done} of {total} clips, {left:.0f} s left "[not tty :], end=end, file=sys.stderr, flush=True)

    return say


if __name__ == "__main__":
    sys.exit(main())

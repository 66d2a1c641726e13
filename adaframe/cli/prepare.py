"""adaframe prepare: a public data set's own files -> a manifest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from adaframe.cli.parser import Parser, did_you_mean, positive
from adaframe.prepare import PREPARERS, prepare

_OPTIONS = ("annotations", "split_number", "segments")


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe prepare`; raises UsageError."""
    parser = Parser(
        "prepare",
        "NAME --source DIR --out FILE.csv [--verify] [options]",
        description="Data sets, as their owners publish them -> a CSV manifest for training.",
        epilog="Videos that the annotations name and that are not there are counted and listed in FILE.missing.txt.\n"
        "datasets/README.md says where each data set is published, and how its folder should look.",
    )
    parser.add_argument("name", metavar="NAME", type=_known, help=", ".join(PREPARERS))
    parser.add_argument("--source", metavar="DIR", required=True, help="folder of the data set as published")
    parser.add_argument(
        "--out", metavar="FILE.csv", required=True, help="manifest to write; its paths are relative to it"
    )
    parser.add_argument(
        "--annotations", metavar="DIR", type=Path, help="folder of the annotation files (default: below --source)"
    )
    parser.add_argument(
        "--split-number", type=int, choices=(1, 2, 3), help="official split of ucf101 and hmdb51 (default: 1)"
    )
    parser.add_argument(
        "--segments",
        action="store_true",
        default=None,
        help="activitynet: a clip per annotated segment (default: one per video, with all its labels)",
    )
    parser.add_argument(
        "--verify",
        action="store_true",
        help="open every video first; bad ones are left out, and listed in FILE.bad.txt",
    )
    parser.add_argument(
        "--workers", type=positive, metavar="N", default=0, help="processes for --verify (default: one per core)"
    )
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Write the manifest and say what is in it."""
    options = {name: getattr(args, name) for name in _OPTIONS if getattr(args, name) is not None}
    for line in prepare(
        args.name, source=Path(args.source), out=Path(args.out), verify=args.verify, workers=args.workers, **options
    ):
        print(line)
    return 0


def _known(name: str) -> str:
    if name not in PREPARERS:
        hint = did_you_mean(name, PREPARERS)
        raise argparse.ArgumentTypeError(f"unknown data set {name!r}{hint}; known: {', '.join(PREPARERS)}")
    return name

"""adaframe prepare: a public data set's own files -> a manifest."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from adaframe.cli.parser import Parser
from adaframe.training.prepare import PREPARERS, prepare


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe prepare`; raises UsageError."""
    parser = Parser(
        "prepare", "NAME --source DIR --out FILE.csv", description="Data sets -> a CSV manifest for training."
    )
    parser.add_argument("name", metavar="NAME", choices=sorted(PREPARERS), help=", ".join(sorted(PREPARERS)))
    parser.add_argument("--source", metavar="DIR", required=True, help="folder of the data set as published")
    parser.add_argument(
        "--out", metavar="FILE.csv", required=True, help="manifest to write; its paths are relative to it"
    )
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Write the manifest and say what is in it."""
    for line in prepare(args.name, source=Path(args.source), out=Path(args.out)):
        print(line)
    return 0

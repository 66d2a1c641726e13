"""adaframe info: what a checkpoint (or a video) is."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from adaframe.cli.parser import Parser


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe info`; raises UsageError."""
    parser = Parser("info", "FILE", description="Says what a checkpoint (or a video) is.")
    parser.add_argument("file", metavar="FILE", help="an adaframe checkpoint (.safetensors) or a video")
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Describe the file."""
    from adaframe.inference.describe import describe

    print(describe(args.file))
    return 0

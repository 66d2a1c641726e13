"""adaframe bench: speed on this machine, uniform against adaptive."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from adaframe import bundled
from adaframe.cli.parser import Parser, fraction, positive


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe bench`; raises UsageError."""
    parser = Parser(
        "bench",
        "[--checkpoint FILE | --config NAME] [options]",
        description="Decode and model apart, uniform and adaptive side by side in one run, on videos rendered for it.",
    )
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--checkpoint", metavar="FILE", default="", help="model (default: the bundled example)")
    model.add_argument("--config", metavar="NAME", default="", help="the model of a configuration, with random weights")
    parser.add_argument("--videos", type=positive, default=8, metavar="N", help="how many (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=positive, default=10, metavar="N", help="of each timing (default: %(default)s)"
    )
    parser.add_argument("--batch", type=positive, default=8, metavar="N", help="videos at once (default: %(default)s)")
    parser.add_argument(
        "--budget",
        type=fraction,
        default=0.5,
        metavar="F",
        help="adaptive's cost as a fraction of uniform's (default: %(default)s)",
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="of torch (default: torch's own)")
    parser.add_argument("--json", metavar="FILE", help="also write the numbers there")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Measure; `bench` prints the table itself."""
    checkpoint = args.checkpoint or ("" if args.config else str(bundled.checkpoint_path("example.safetensors")))
    config = None
    if args.config:
        from adaframe.cli.configuration import read_config

        config = read_config(args.config)
    from adaframe.evaluation.bench import bench

    bench(
        checkpoint=checkpoint or None,
        config=config,
        videos=args.videos,
        repeats=args.repeats,
        batch=args.batch,
        budget=args.budget,
        threads=args.threads,
        json_path=args.json,
        device=args.device,
    )
    return 0

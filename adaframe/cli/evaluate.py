"""adaframe evaluate: accuracy beside executed compute and measured time, against the baselines."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from adaframe import bundled
from adaframe.cli.parser import Parser, add_decode, add_energy, add_machine, check_carbon, fractions, positive
from adaframe.data.clips import SPLITS


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe evaluate`; raises UsageError."""
    parser = Parser(
        "evaluate",
        "[--checkpoint FILE] (--data.root DIR | --data.manifest FILE) [options]",
        description="Accuracy and mAP beside executed GMACs and measured time; the table goes to stdout.",
    )
    parser.add_argument("--checkpoint", metavar="FILE", default="", help="model (default: the bundled example)")
    parser.add_argument(
        "--data.root", dest="root", metavar="DIR", default="", help="a folder per class, or the manifest's"
    )
    parser.add_argument(
        "--data.manifest", dest="manifest", metavar="FILE", default="", help="a CSV: path,label[,split]"
    )
    parser.add_argument("--split", choices=SPLITS, default="test", help="which clips (default: %(default)s)")
    parser.add_argument(
        "--budget", type=fractions, metavar="F,F", help="budgets, fractions of uniform's cost: 0.25,0.5,1"
    )
    parser.add_argument(
        "--clips",
        type=positive,
        metavar="N",
        help="average N views of each video, spread in time (default: the model's own windows)",
    )
    parser.add_argument(
        "--crops",
        type=int,
        choices=(1, 3, 10),
        default=1,
        help="times 3 crops along the longer side, or 10: corners and centre, mirrored too (default: 1, the centre)",
    )
    parser.add_argument("--baselines", action="store_true", help="also uniform and others, from the same checkpoint")
    parser.add_argument(
        "--against", nargs="+", metavar="FILE", default=[], help="other checkpoints, on the same clips: A B or A,B"
    )
    parser.add_argument("--json", metavar="FILE", help="also write the numbers there")
    parser.add_argument("--report", metavar="DIR", help="also write a report there: report.html, report.md")
    add_energy(parser)
    add_decode(parser)
    add_machine(parser)
    args = parser.parse(argv)
    if not args.root and not args.manifest:
        parser.error("no clips given: --data.root DIR or --data.manifest FILE")
    args.against = [path for word in args.against for path in _files(word)]
    check_carbon(parser, args)
    return args


def _files(word: str) -> list[str]:
    """Names joined by commas; a file whose own name has a comma is one."""
    return [word] if Path(word).exists() else [part for part in word.split(",") if part]


def run(args: argparse.Namespace) -> int:
    """Evaluate; `evaluate` prints the table itself."""
    checkpoint = args.checkpoint or str(bundled.checkpoint_path("example.safetensors"))
    places = None
    if args.energy is not None:
        from adaframe.energy.places import parse_places

        places = parse_places(args.energy, carbon=args.carbon, device=args.device)
    from adaframe.evaluation.evaluate import evaluate
    from adaframe.evaluation.many_views import ManyViews

    evaluate(
        checkpoint=checkpoint,
        root=args.root,
        manifest=args.manifest,
        split=args.split,
        budgets=args.budget,
        baselines=args.baselines,
        against=args.against,
        json_path=args.json,
        report=args.report,
        device=args.device,
        workers=args.workers,
        decode=args.decode,
        many=ManyViews(args.clips, args.crops),
        energy=places,
    )
    return 0

"""adaframe import-arnet: an original AR-Net checkpoint -> adaframe."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from adaframe.cli.parser import Parser, positive


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe import-arnet`; raises UsageError."""
    parser = Parser(
        "import-arnet",
        "FILE --classes FILE --out FILE.safetensors [options]",
        description="A checkpoint of AR-Net's release (ResNet or EfficientNet; adaptive, or a single network of its first "
        "stage) -> an adaframe checkpoint that computes the same.",
    )
    parser.add_argument("file", metavar="FILE", help="the .pth.tar that AR-Net's training left")
    parser.add_argument(
        "--classes", metavar="FILE", required=True, help="names of the classes, one a line, as classInd.txt"
    )
    parser.add_argument("--out", metavar="FILE.safetensors", required=True, help="checkpoint to write")
    parser.add_argument(
        "--pixels",
        metavar="P,P,…",
        type=_numbers,
        default=(),
        help="of each network and, last, of the glance (default: 224,168,112,84)",
    )
    parser.add_argument(
        "--skips", metavar="N,N,…", type=_numbers, default=(1, 2, 4), help="lengths of its skips (default: 1,2,4)"
    )
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Import, and describe what came of it."""
    from adaframe.importing.arnet import import_arnet
    from adaframe.inference.describe import describe
    from adaframe.prepare.classes import read_classes

    import_arnet(args.file, read_classes(Path(args.classes)), args.out, pixels=args.pixels, skips=args.skips)
    print(describe(args.out))
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))

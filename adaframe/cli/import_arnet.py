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
        "--skips",
        metavar="N,N,…",
        type=_numbers_or_none,
        default=(1, 2, 4),
        help="lengths of its skips, or none (default: 1,2,4)",
    )
    parser.add_argument(
        "--padding",
        choices=("same", "even"),
        default="same",
        help="of EfficientNets: even if they were trained with efficientnet_pytorch 0.6.3 or before (default: same)",
    )
    return parser.parse(argv)


def run(args: argparse.Namespace) -> int:
    """Import, and describe what came of it."""
    from adaframe.importing.arnet import import_arnet
    from adaframe.inference.describe import describe
    from adaframe.prepare.classes import read_classes

    classes = read_classes(Path(args.classes))
    import_arnet(args.file, classes, args.out, pixels=args.pixels, skips=args.skips, padding=args.padding)
    print(describe(args.out))
    return 0


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(positive(part) for part in text.split(","))


def _numbers_or_none(text: str) -> tuple[int, ...]:
    return () if text == "none" else _numbers(text)

"""adaframe bench: speed on this machine, uniform against adaptive; or what models cost on paper."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

from adaframe import bundled
from adaframe.cli.parser import Parser, add_energy, check_carbon, fractions, positive, usage_error


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """Parse the words after `adaframe bench`; raises UsageError."""
    parser = Parser(
        "bench",
        "[--checkpoint FILE | --config NAME] [options]",
        description="Uniform and adaptive side by side in one run: the model alone, and from file to label. "
        "With --costs nothing runs: what looks, glance and policy cost, beside what AR-Net's paper and release say.",
    )
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--checkpoint", metavar="FILE", default="", help="model (default: the bundled example)")
    model.add_argument("--config", metavar="NAME", default="", help="the model of a configuration, with random weights")
    parser.add_argument(
        "--videos",
        type=positive,
        default=8,
        metavar="N",
        help="of random pictures, for the model (default: %(default)s)",
    )
    parser.add_argument(
        "--repeats", type=positive, default=10, metavar="N", help="of each timing (default: %(default)s)"
    )
    parser.add_argument(
        "--batch", type=_positives, default="1,8", metavar="N,N", help="videos at once (default: %(default)s)"
    )
    parser.add_argument(
        "--budget",
        type=fractions,
        default="0.25,0.5,0.75",
        metavar="F,F",
        help="adaptive's costs as fractions of uniform's (default: %(default)s)",
    )
    videos = parser.add_mutually_exclusive_group()
    videos.add_argument(
        "--video", nargs="+", default=[], metavar="PATH", help="videos to read (default: rendered ones)"
    )
    videos.add_argument(
        "--size",
        type=_sizes,
        default="256x256",
        metavar="WxH,WxH",
        help="of the videos of 10 s that are rendered to be read (default: %(default)s)",
    )
    parser.add_argument(
        "--decode",
        type=_decodes,
        default="exact",
        metavar="exact,fast|none",
        help="ways to read them, as of classify; none: only the model (default: %(default)s)",
    )
    parser.add_argument("--threads", type=positive, metavar="N", help="of torch (default: torch's own)")
    parser.add_argument(
        "--latency-table",
        metavar="FILE.json",
        help="instead: time each part of the model, at the first --batch, print it beside its MACs, and write it there; "
        "`adaframe train --cost latency --cost_table FILE.json` counts by it",
    )
    add_energy(parser)
    parser.add_argument("--json", metavar="FILE", help="also write the numbers there")
    parser.add_argument("--figure", metavar="FILE.png", help="also draw them there")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    parser.add_argument(
        "--costs",
        action="store_true",
        help="multiply-adds instead of seconds, of the model or, without one, of paper/activitynet-resnet and -efficientnet",
    )
    parser.add_argument(
        "--usage",
        nargs="+",
        type=_share,
        default=[],
        metavar="ACTION=SHARE",
        help="with --costs: of a video for which actions are executed for such shares of its frames (look-224=0.2 skip-4=0.8)",
    )
    args = parser.parse(argv)
    if args.usage and not args.costs:
        raise usage_error("adaframe bench", "adaframe bench --costs --usage ACTION=SHARE …", "--usage needs --costs")
    check_carbon(parser, args)
    if args.latency_table and (args.energy is not None or args.json or args.figure or args.video):
        parser.error(
            "--latency-table times the parts of a model alone, and goes without --energy, --json, --figure, --video"
        )
    return args


def _share(text: str) -> tuple[str, float]:
    name, _, share = text.rpartition("=")
    try:
        return name, float(share)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be an action and its share, such as look-224=0.2, not {text!r}"
        ) from None


def _positives(text: str) -> list[int]:
    return [positive(part) for part in text.split(",")]


def _sizes(text: str) -> list[tuple[int, int]]:
    """Widths and heights, even ones of at least 16 pixels, as encoders want them."""
    found = [re.fullmatch(r"(\d{2,4})x(\d{2,4})", part) for part in text.split(",")]
    sizes = [(int(one[1]), int(one[2])) for one in found if one]
    if len(sizes) < len(found) or any(side % 2 or side < 16 for size in sizes for side in size):
        raise argparse.ArgumentTypeError(f"must be even sizes such as 256x256,1280x720, not {text!r}")
    return sizes


def _decodes(text: str) -> list[str]:
    ways = [] if text == "none" else text.split(",")
    if not {*ways} <= {"exact", "fast"}:
        raise argparse.ArgumentTypeError(f"must be exact, fast, both joined by a comma, or none, not {text!r}")
    return ways


def run(args: argparse.Namespace) -> int:
    """Measure; `bench` prints the tables itself, as does `show_costs`."""
    if args.costs:
        return _costs(args)
    checkpoint = args.checkpoint or ("" if args.config else str(bundled.checkpoint_path("example.safetensors")))
    config = None
    if args.config:
        from adaframe.cli.configuration import read_config

        config = read_config(args.config)
    if args.latency_table:
        from adaframe.evaluation.speed.bench import bench_parts

        bench_parts(
            args.latency_table,
            checkpoint=checkpoint or None,
            config=config,
            batch=args.batch[0],
            repeats=args.repeats,
            threads=args.threads,
            device=args.device,
        )
        return 0
    places = None
    if args.energy is not None:
        from adaframe.energy.places import parse_places

        places = parse_places(args.energy, carbon=args.carbon, device=args.device)
    from adaframe.evaluation.speed.bench import bench

    bench(
        checkpoint=checkpoint or None,
        config=config,
        videos=args.videos,
        repeats=args.repeats,
        batches=args.batch,
        budgets=args.budget,
        files=args.video,
        sizes=args.size,
        decodes=args.decode,
        threads=args.threads,
        json_path=args.json,
        figure_path=args.figure,
        device=args.device,
        energy=places,
    )
    return 0


def _costs(args: argparse.Namespace) -> int:
    from adaframe.cli.configuration import read_config
    from adaframe.evaluation.speed.cost_table import of_checkpoint, of_config, show_costs

    configs = [args.config] if args.config else ["paper/activitynet-resnet", "paper/activitynet-efficientnet"]
    models = [of_checkpoint(args.checkpoint)] if args.checkpoint else [of_config(c, read_config(c)) for c in configs]
    show_costs(models, dict(args.usage), json_path=args.json)
    return 0

"""What the parsers of all commands have in common: short errors, closest matches, no abbreviations."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from adaframe.errors import UsageError


class Parser(argparse.ArgumentParser):
    """An argparse parser that raises UsageError instead of ending the program."""

    def __init__(self, command: str, usage: str, **options: Any) -> None:
        super().__init__(
            prog=f"adaframe {command}",
            usage=f"adaframe {command} {usage}",
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **options,
        )

    def parse(self, argv: Sequence[str]) -> argparse.Namespace:
        """The parsed arguments; raises UsageError."""
        check_options(argv, self)
        return self.parse_args(argv)

    def error(self, message: str) -> NoReturn:
        raise usage_error(self.prog, self.usage or "", message)


def check_options(argv: Sequence[str], parser: argparse.ArgumentParser) -> None:
    """Report the first --option that the parser does not know, with the closest one that it does.

    This comes before parsing, as argparse would rather complain that the option meant is missing.
    """
    known = [name for name in parser._option_string_actions if name.startswith("--")]
    for word in argv:
        if word == "--":
            return
        name = word.partition("=")[0]
        if name.startswith("--") and name not in known:
            parser.error(f"unknown option {name}{did_you_mean(name, known)}")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when something known is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def usage_error(prog: str, usage: str, message: str) -> UsageError:
    """An error with the usage below it, in a few lines."""
    return UsageError(f"{message}\nusage: {usage}\nmore: {prog} --help")


def fraction(text: str) -> float:
    """A budget from the command line: 0 < value <= 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"must be above 0 and at most 1 (0.5: half of uniform's cost), not {text!r}")
    return value


def fractions(text: str) -> list[float]:
    """Budgets from the command line, joined by commas."""
    return [fraction(part) for part in text.split(",")]


def positive(text: str) -> int:
    """A whole number from the command line, at least 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, not {text!r}")
    return int(text)


def above_zero(text: str, what: str = "a number") -> float:
    """A number from the command line, above 0 and finite; `what` it is called where it is none."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be {what} above 0, not {text!r}")
    return value


def seconds(text: str) -> float:
    """A duration from the command line, above 0."""
    return above_zero(text, "seconds,")


def add_machine(parser: Parser) -> None:
    """--device and --workers."""
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, mps (default: %(default)s)")
    parser.add_argument(
        "--workers", type=positive, metavar="N", default=0, help="decoding processes (default: one per core)"
    )


def add_energy(parser: Parser) -> None:
    """--energy and --carbon; `check_carbon` belongs to them."""
    parser.add_argument(
        "--energy",
        nargs="*",
        metavar="WHERE",
        help="also joules and gCO2e a video: on this machine (the default: measured if its counters can be read, else "
        "estimated), 'measured' (or an error), and on paper on hardware of configs/hardware/ or a YAML file of your own",
    )
    parser.add_argument(
        "--carbon", type=float, metavar="G", help="of the electricity, gCO2e/kWh (default: 481, the world's)"
    )


def check_carbon(parser: Parser, args: argparse.Namespace) -> None:
    """Refuse a --carbon that means nothing; raises UsageError."""
    if args.carbon is not None and (args.energy is None or not 0 <= args.carbon < float("inf")):
        parser.error("--carbon goes with --energy" if args.energy is None else "--carbon must be at least 0")


def add_decode(parser: Parser) -> None:
    """--decode."""
    parser.add_argument(
        "--decode",
        choices=("auto", "exact", "fast"),
        default="auto",
        help="exact: the sampled frames; fast: the key frames nearest to them, which decode alone, in windows that have "
        "half as many as sampled frames (other pictures, so other answers); auto: exact (default: %(default)s)",
    )

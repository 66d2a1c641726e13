"""adaframe train: a configuration and clips -> a model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adaframe.cli.configuration import given_keys, parse_config
from adaframe.config import Config


@dataclass(frozen=True)
class Arguments:
    """What `run` needs."""

    config: Config
    out: Path
    resume: bool
    given: frozenset[str] | None


def parse(argv: Sequence[str]) -> Arguments:
    """Parse the words after `adaframe train`; raises UsageError."""
    return Arguments(*parse_config(argv), given_keys(argv))


def run(args: Arguments) -> int:
    """Train; `fit` tells of its progress itself."""
    if args.config.devices != 1:
        # Before torch is loaded: it would warn that all parameters were used, where in other batches they are not.
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    from adaframe.training.fit import fit

    fit(args.config, out=args.out, resume=args.resume, given=args.given)
    return 0

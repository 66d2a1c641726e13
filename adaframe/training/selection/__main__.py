"""`python -m adaframe.training.selection STUDY.yaml --data.manifest FILE --out DIR [--locked]`: which recipe suits few clips.

Nested selection over the data set's folds. For each fold d a variant's score is how good it is on the other folds c, each
answered by a model that learnt neither from c nor from d (one training without c and d serves both). With --locked each
fold is answered, once, by the variant chosen without it. Trainings that have ended are kept in DIR and not repeated.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import torch

from adaframe.cli.standalone import telling_errors
from adaframe.config import Data
from adaframe.config_io import to_dict
from adaframe.errors import UsageError
from adaframe.evaluation.metrics import Results, headline, interval, paired_difference
from adaframe.evaluation.nested import Standing, choose, pooled, standings_table
from adaframe.evaluation.report.comparison import to_json as report_json
from adaframe.evaluation.report.tables import markdown_table
from adaframe.files import write_text
from adaframe.training.feeding.material import learnable
from adaframe.training.fit import quiet
from adaframe.training.selection.study import Variant, read_study
from adaframe.training.selection.without import Trainings
from adaframe.training.start import build_network


def select(
    variants: Sequence[Variant], trainings: Trainings, folds: Sequence[str]
) -> tuple[dict[str, str], dict[str, list[Standing]]]:
    """Which variant each fold would be answered by, and how all stood in that choice; trains what is not there yet.

    Args:
        variants: simpler ones first.
        trainings: where they are kept.
        folds: at least three.
    """
    pairs = list(combinations(folds, 2))
    for variant in variants:
        trainings.complete(variant, pairs)
    chosen, standings = {}, {}
    for fold in folds:
        others = [(pair, other) for pair in pairs if fold in pair for other in pair if other != fold]
        candidates = [pooled([trainings.answers(v, pair, other) for pair, other in others]) for v in variants]
        chosen[fold], standings[fold] = choose(candidates, trainings.budget)
    return chosen, standings


def locked(variants: Sequence[Variant], trainings: Trainings, chosen: Mapping[str, str]) -> list[Results]:
    """Answers about each fold by models of the three others: of the variant chosen for it, of the first variant, and of the
    frozen baseline (of the first variant's strongest look) where there is one."""
    by_name, first = {v.name: v for v in variants}, variants[0]
    for fold, name in chosen.items():
        trainings.complete(by_name[name], [(fold,)])
        trainings.complete(first, [(fold,)])
    nested = pooled([trainings.answers(by_name[name], (fold,), fold) for fold, name in chosen.items()])
    present = pooled([trainings.answers(first, (fold,), fold) for fold in chosen])
    frozen = trainings.frozen(first, list(chosen))
    return [replace(nested, name="nested choice"), present, *([pooled(frozen)] if frozen else [])]


@telling_errors
def main(argv: Sequence[str] | None = None) -> int:
    """Choose, and with --locked answer; leaves selection.md and selection.json in DIR."""
    name = "python -m adaframe.training.selection"
    parser = argparse.ArgumentParser(prog=name, description="Choose between the variants of a study, inside the folds.")
    parser.add_argument("study", type=Path, metavar="STUDY", help="a YAML file: base, variants (configs/*-study.yaml)")
    parser.add_argument(
        "--data.root", dest="root", default="", metavar="DIR", help="that the manifest's paths start from"
    )
    parser.add_argument("--data.manifest", dest="manifest", required=True, metavar="FILE", help="clips with folds")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="for trainings and tables")
    parser.add_argument("--locked", action="store_true", help="also answer each fold: once, when the list is final")
    args = parser.parse_args(argv)
    quiet()
    data = Data(root=args.root, manifest=args.manifest, cache=str(args.out / "cache"))
    run(read_study(args.study, data), args.out, answer=args.locked, command=f"{name} {' '.join(sys.argv[1:])}")
    return 0


def run(variants: Sequence[Variant], out: Path, *, answer: bool, command: str) -> None:
    """Choose among the variants, and write the tables.

    Args:
        variants: simpler ones first.
        out: folder of trainings and tables.
        answer: whether to go on to the locked evaluation.
        command: that repeats it.

    Raises:
        AdaframeError: wrong data set; or the folder holds trainings from other clips, or the locked evaluation of another list.
    """
    first = variants[0].config
    data_set = learnable(first)
    if len(data_set.folds) < 3:
        raise UsageError("nested selection needs three folds or more; try: a manifest with a column fold")
    _agree(out / "clips.json", to_dict(data_set), "its trainings were made from other clips; try: another --out")
    keys = [v.key for v in variants]
    if answer or (out / "locked.json").exists():
        _agree(
            out / "locked.json",
            keys,
            "its locked evaluation was made for other variants, and a list that changes after that is no longer chosen "
            "blindly; try: another --out, and report both",
        )
    frames = torch.tensor([first.model.sampling.frames])
    uniform = float(build_network(first, len(data_set.classes)).costs.uniform(frames)) / 1e9
    trainings = Trainings(out, data_set, uniform, first.budget)
    chosen, standings = select(variants, trainings, data_set.folds)
    rows = spreads(variants, trainings, list(combinations(data_set.folds, 2)))
    text = f"{standings_table(chosen, standings)}\n{spread_table(rows)}"
    facts: dict[str, Any] = {
        "variants": rows,
        "chosen": chosen,
        "standings": {f: [asdict(s) for s in stand] for f, stand in standings.items()},
    }
    if answer:
        results = locked(variants, trainings, chosen)
        gain = paired_difference(results[0], results[1], metric=headline(results[0]))
        text += f"\n{markdown_table(results, results[-1].name)}\n"
        text += (
            f"Nested choice minus {results[1].name}: {100 * gain.value:+.1f} points "
            f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}], paired.\n"
        )
        facts["locked"] = report_json(results, results[-1].name) | {f"minus {results[1].name}": asdict(gain)}
    write_text(out / "selection.md", f"{text}\n```\n{command}\n```\n")
    write_text(out / "selection.json", json.dumps(facts, indent=2))
    print(text)


def _agree(path: Path, facts: Any, otherwise: str) -> None:
    """Keep what a folder was begun with; raise UsageError where that was something else."""
    text = json.dumps(facts)
    if not path.exists():
        write_text(path, text)
    elif path.read_text(encoding="utf-8") != text:
        raise UsageError(f"{path.parent}: {otherwise}")


def spreads(
    variants: Sequence[Variant], trainings: Trainings, pairs: Sequence[tuple[str, ...]]
) -> list[dict[str, Any]]:
    """How good each variant is over its trainings, each of which leaves out two folds and is judged on both."""
    rows = []
    for variant in variants:
        results = [pooled([trainings.answers(variant, pair, fold) for fold in pair]) for pair in pairs]
        values = [interval(r, metric=headline(r)).value for r in results]
        rows.append(
            {
                "name": variant.name,
                "pairs": dict(zip(map(" and ".join, pairs), values, strict=True)),
                "mean": float(np.mean(values)),
                "sd": float(np.std(values, ddof=1)),
                "of_uniform": float(np.mean([r.gmacs.mean() / r.gmacs_uniform for r in results])),
                "seconds": float(np.mean([trainings.seconds(variant, pair) for pair in pairs])),
            }
        )
    return rows


def spread_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown of `spreads`."""
    lines = ["| variant | mean ± sd over trainings | of uniform's GMACs | s a training |", "|---|---:|---:|---:|"]
    for row in rows:
        value = f"{100 * row['mean']:.1f} ± {100 * row['sd']:.1f} %"
        lines.append(f"| {row['name']} | {value} | {row['of_uniform']:.3f} | {row['seconds']:.0f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())

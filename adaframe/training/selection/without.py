"""Trainings of a study's variants without some folds, each kept as one JSON file, so that none is made twice."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from adaframe.data.manifest import DataSet
from adaframe.evaluation.metrics import Results
from adaframe.evaluation.nested import part
from adaframe.evaluation.studies.folds import from_row
from adaframe.files import write_text
from adaframe.training.calibration import BETAS, Outcome
from adaframe.training.feeding.material import Material, load_material, use_frozen_features
from adaframe.training.folds import as_row
from adaframe.training.frozen import frozen_linear
from adaframe.training.module import Recogniser
from adaframe.training.report.markdown import as_results, groups_of
from adaframe.training.run import Run
from adaframe.training.selection.study import Variant
from adaframe.training.start import build_network, full_network


@dataclass(frozen=True, eq=False)
class Trainings:
    """Trainings of variants without some folds.

    Args:
        out: folder of the study.
        data_set: its clips.
        gmacs_uniform: what uniform executes for a clip; costs of all variants are fractions of it.
        budget: such a fraction, which a model's answers keep to (on its own training clips).
    """

    out: Path
    data_set: DataSet
    gmacs_uniform: float
    budget: float

    def complete(self, variant: Variant, left_out: Sequence[tuple[str, ...]]) -> None:
        """Train the variant without each of these sets of folds, where that was not done before."""
        missing = [folds for folds in left_out if not self._file(variant, folds).is_file()]
        if not missing:
            return
        with self._material(variant) as material:
            for folds in missing:
                print(f"{variant.name}: training without fold {' and '.join(folds)}", file=sys.stderr)
                self._train(variant, Run(variant.config, material, self.out, kept=False), folds)

    def answers(self, variant: Variant, left_out: tuple[str, ...], fold: str) -> Results:
        """What the model without some folds answered about the clips of one of them."""
        row = self._row(variant, left_out)
        found = replace(from_row(row), name=variant.name, gmacs_uniform=self.gmacs_uniform)
        return part(found, np.array(row["folds"]) == fold)

    def seconds(self, variant: Variant, left_out: tuple[str, ...]) -> float:
        """How long that training took."""
        return float(self._row(variant, left_out)["seconds"])

    def frozen(self, variant: Variant, folds: Sequence[str]) -> list[Results]:
        """The frozen baseline's answers about each fold, by the variant's strongest look and sampling; none where its backbones
        learn."""
        found: list[Results] = []
        with self._material(variant) as material:
            network = build_network(variant.config, len(self.data_set.classes))
            run = Run(variant.config, material, self.out)
            for fold in folds if material.features is not None else ():
                answered = frozen_linear(material, network, *self._sides(material, (fold,)))
                results = as_results("frozen features + linear layer", answered, groups_of(run, answered))
                found.append(replace(results, gmacs_uniform=self.gmacs_uniform))
        return found

    def _material(self, variant: Variant) -> Material:
        material = load_material(variant.config, self.data_set, self.out)
        network = build_network(variant.config, len(self.data_set.classes))
        use_frozen_features(material, full_network(variant.config, network, len(self.data_set.classes)))
        return material

    def _train(self, variant: Variant, run: Run, folds: tuple[str, ...]) -> None:
        started = time.monotonic()
        learnt, asked = self._sides(run.material, folds)
        module = run.train(build_network(variant.config, len(self.data_set.classes)), learnt, [], resume=False)
        beta, outcome = self._within_budget(run, module, learnt, asked)
        clips = [self.data_set.clips[n] for n in asked]
        results = as_results(variant.name, outcome, groups_of(run, outcome))
        seconds = round(time.monotonic() - started, 1)
        more = {"folds": [clip.fold for clip in clips], "beta": beta, "seconds": seconds}
        row = as_row(results, [clip.path for clip in clips]) | more
        write_text(self._file(variant, folds), json.dumps(row))

    def _within_budget(
        self, run: Run, module: Recogniser, learnt: list[int], asked: list[int]
    ) -> tuple[float, Outcome]:
        """The answers under the least bias that keeps to the budget on the training clips, and that bias."""
        answer = run.answers(module, learnt)
        for beta in BETAS if module.network.plan is None else BETAS[:1]:
            if answer(beta).gmacs.mean() <= self.budget * self.gmacs_uniform:
                break
        return beta, run.answers(module, asked)(beta)

    def _sides(self, material: Material, folds: tuple[str, ...]) -> tuple[list[int], list[int]]:
        """Numbers of the clips to learn from, and of those in the folds."""
        clips = self.data_set.clips
        learnt = [n for n in material.readable if clips[n].fold not in folds]
        return learnt, [n for n in material.readable if clips[n].fold in folds]

    def _row(self, variant: Variant, folds: tuple[str, ...]) -> dict[str, Any]:
        row: dict[str, Any] = json.loads(self._file(variant, folds).read_text(encoding="utf-8"))
        return row

    def _file(self, variant: Variant, folds: tuple[str, ...]) -> Path:
        # Names of folds and variants may hold anything; numbers and digests do for files.
        numbers = "-".join(str(self.data_set.folds.index(fold)) for fold in folds)
        return self.out / "trainings" / f"{variant.key}-{numbers}.json"

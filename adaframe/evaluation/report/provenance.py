"""How an evaluation was made: enough to make it again, and to see what it may be compared with."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from adaframe import __version__
from adaframe.data.clips import Clip
from adaframe.errors import CheckpointError
from adaframe.evaluation.bootstrap import DRAWS, SEED
from adaframe.evaluation.report.blocks import Code, Facts, Inline

if TYPE_CHECKING:
    from adaframe.inference.recognizer import Recognizer

_LIBRARIES = ("torch", "torchvision", "numpy", "av", "decord", "pillow")


@dataclass(frozen=True)
class ModelFile:
    """A checkpoint that took part.

    Args:
        path: as given.
        sha256: of the file, hexadecimal.
        plan: adaptive, or a fixed plan.
        budget: that it was trained for, as a fraction of uniform's cost.
        learnt_from: clips that it learnt from; 0 where its file does not say.
        seed: of its training; None where its file does not say.
        version: of adaframe that trained it; empty where its file does not say.
    """

    path: str
    sha256: str
    plan: str
    budget: float
    learnt_from: int
    seed: int | None
    version: str


@dataclass(frozen=True)
class Provenance:
    """What an evaluation was made of.

    Args:
        command: that repeats the evaluation, as typed.
        models: the one that it is about, then those that it is compared with.
        source: of the clips: manifest, folder.
        split: of the data set; empty: it has none, and all its clips were used.
        clips: that were asked for,
        left_out: and those of them that could not be read.
        groups: of related clips.
        grouped: whether the data set says which clips are related; else each clip is a group.
        decode: the way of decoding that was asked for.
        machine: processor, cores, threads, in a line.
        versions: of Python, adaframe and the libraries.
        seeds: of what was drawn at random.
        made_at: ISO 8601, UTC.
    """

    command: str
    models: tuple[ModelFile, ...]
    source: tuple[str, ...]
    split: str
    clips: int
    left_out: int
    groups: int
    grouped: bool
    decode: str
    machine: str
    versions: dict[str, str]
    seeds: dict[str, int]
    made_at: str

    def block(self) -> Facts:
        """The same as a list of terms."""
        models = [
            (
                "model" if number == 0 else "compared with",
                (Code(model.path), f", {_about(model)}; SHA-256 ", Code(model.sha256)),
            )
            for number, model in enumerate(self.models)
        ]
        source: list[Inline] = []
        for path in self.source:
            source += [", " if source else "", Code(path)]
        of = f"split {self.split}" if self.split else "all clips, as the data set has no splits"
        left = f", {self.left_out} more could not be read" if self.left_out else ""
        groups = f"{self.groups} groups" if self.grouped else "no groups known: each clip counts as one"
        seeds = ", ".join(f"{name} {seed}" for name, seed in self.seeds.items())
        return Facts(
            (
                *models,
                ("data", (*source, f": {of}, {self.clips - self.left_out} clips{left}; {groups}")),
                ("decoding", (Code(f"--decode {self.decode}"),)),
                ("machine", (self.machine,)),
                ("versions", (", ".join(f"{name} {version}" for name, version in self.versions.items()),)),
                ("seeds", (f"{seeds}; {DRAWS} resamples. The policy decides by argmax: nothing is drawn there.",)),
                ("made", (self.made_at,)),
            )
        )


def provenance(
    *,
    command: str,
    checkpoints: Sequence[str],
    recognizers: Sequence[Recognizer],
    source: Sequence[str],
    split: str,
    asked: int,
    kept: Sequence[Clip],
    decode: str,
) -> Provenance:
    """Gather it.

    Args:
        command: as typed.
        checkpoints: paths,
        recognizers: and what was loaded from them.
        source: of the clips.
        split: empty where all clips of a data set without splits were used.
        asked: clips that were to be read,
        kept: and those that were.
        decode: auto, exact or fast.

    Raises:
        CheckpointError: a checkpoint is no longer there.
    """
    from adaframe.evaluation.speed.turns import describe_machine

    return Provenance(
        command=command,
        models=tuple(_model(path, r) for path, r in zip(checkpoints, recognizers, strict=True)),
        source=tuple(source),
        split=split,
        clips=asked,
        left_out=asked - len(kept),
        groups=len({clip.group or clip.path for clip in kept}),
        grouped=any(clip.group for clip in kept),
        decode=decode,
        machine=describe_machine(recognizers[0].device),
        versions=_versions(),
        seeds={"resampling": SEED, "random baseline": 0},
        made_at=datetime.now(timezone.utc).isoformat(timespec="minutes").replace("+00:00", "Z"),
    )


def _model(path: str, recognizer: Recognizer) -> ModelFile:
    facts, training = recognizer.metadata, recognizer.metadata.training
    try:
        with Path(path).open("rb") as file:
            digest = hashlib.sha256()
            while piece := file.read(1 << 20):
                digest.update(piece)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read any more ({error.strerror})") from error
    clips, seed, version = (training.get(name) for name in ("clips", "seed", "adaframe"))
    return ModelFile(
        path=path,
        sha256=digest.hexdigest(),
        plan=facts.plan,
        budget=facts.budget,
        learnt_from=clips if isinstance(clips, int) else 0,
        seed=seed if isinstance(seed, int) else None,
        version=version if isinstance(version, str) else "",
    )


def _about(model: ModelFile) -> str:
    parts = [f"adaptive, trained for a budget of {model.budget:g}" if model.plan == "adaptive" else model.plan]
    parts += [f"learnt from {model.learnt_from} clips"] if model.learnt_from else []
    parts += [f"seed {model.seed}"] if model.seed is not None else []
    parts += [f"adaframe {model.version}"] if model.version else []
    return ", ".join(parts)


def _versions() -> dict[str, str]:
    """Of what takes part in the numbers; a library that is not installed is left out."""
    found = {"Python": platform.python_version(), "adaframe": __version__}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found

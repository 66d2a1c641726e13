"""A whole data set on disk: `root/train/<label>/*.mp4`, `root/test/<label>/*.mp4` and `root/needle.json`."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adaframe.errors import DataError, UsageError
from adaframe.files import write_text
from adaframe.needle.encode import encode
from adaframe.needle.paint import paint
from adaframe.needle.plan import clip_seed, evidence, plan_clip
from adaframe.needle.spec import NeedleSpec

MANIFEST = "needle.json"
_RECIPE = 1  # raise it when the same spec gives other pictures


@dataclass(frozen=True)
class NeedleClip:
    """One clip of a data set.

    Args:
        path: relative to the root, with forward slashes.
        label: index of its class, 0..K-1.
        seed: of everything in it but the class.
    """

    path: str
    label: int
    seed: int


def clips(spec: NeedleSpec, *, train: int = 400, test: int = 200) -> list[NeedleClip]:
    """The clips that `render` writes, in its order. The classes of a split differ by one clip at most."""
    found = []
    for split, count in (("train", train), ("test", test)):
        for number in range(count):
            label = number % spec.classes
            path = f"{split}/{spec.labels[label]}/{number // spec.classes:05d}.mp4"
            found.append(NeedleClip(path, label, clip_seed(spec, split, number)))
    return found


def render(
    root: Path,
    spec: NeedleSpec = NeedleSpec(),  # noqa: B008 - frozen
    *,
    train: int = 400,
    test: int = 200,
    workers: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Writes the data set that `spec` describes.

    The same arguments give the same bytes. Files appear whole; a call that was interrupted goes on where it stopped,
    and once all is there a call returns at once.

    `root/needle.json` tells where the evidence is: `recipe`, `spec`, `train`, `test`, `complete`, and under `clips`,
    for each path, `label`, `seed`, `evidence_segments`, `evidence_frames` and `boxes` (x, y, width, height of the
    patch in pixels, one box for each of the evidence frames).

    Args:
        root: folder of the data set, made where it is missing.
        spec: what to render.
        train: clips of the split `train`, all classes together.
        test: clips of the split `test`.
        workers: threads; 0 means one per core.
        progress: called after each file with the number of those that are there, and of all.

    Raises:
        UsageError: a negative count.
        DataError: the folder holds something else.
        AdaframeError: a file cannot be written.
    """
    if train < 0 or test < 0 or workers < 0:
        raise UsageError(f"needle data set: train {train}, test {test}, workers {workers}; try: numbers from 0 up")
    manifest = root / MANIFEST
    identity = _identity(spec, train=train, test=test)
    planned = clips(spec, train=train, test=test)
    complete = _check_folder(root, identity)
    missing = [clip for clip in planned if not (root / clip.path).is_file()]
    if complete and not missing:
        return
    facts = identity | {"complete": False, "clips": {clip.path: _clip_facts(spec, clip) for clip in planned}}
    write_text(manifest, _json(facts))
    _render_clips(root, spec, missing, len(planned), workers or os.cpu_count() or 1, progress)
    write_text(manifest, _json(facts | {"complete": True}))


def _render_clips(
    root: Path,
    spec: NeedleSpec,
    missing: list[NeedleClip],
    total: int,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    # Threads, not processes: numpy and x264 work outside Python's lock, and nobody's main module is imported again.
    with ThreadPoolExecutor(workers) as pool:
        try:
            jobs = [pool.submit(_render_clip, root, spec, clip) for clip in missing]
            for done, job in enumerate(as_completed(jobs), start=total - len(missing) + 1):
                job.result()
                if progress:
                    progress(done, total)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _render_clip(root: Path, spec: NeedleSpec, clip: NeedleClip) -> None:
    plan = plan_clip(spec, clip.label, clip.seed)
    encode(root / clip.path, paint(spec, plan, clip.seed), spec.fps)


def _identity(spec: NeedleSpec, *, train: int, test: int) -> dict[str, Any]:
    return {"recipe": _RECIPE, "spec": dataclasses.asdict(spec), "train": train, "test": test}


def _clip_facts(spec: NeedleSpec, clip: NeedleClip) -> dict[str, Any]:
    plan = plan_clip(spec, clip.label, clip.seed)
    frames = evidence(spec, clip.seed)
    return {
        "label": spec.labels[clip.label],
        "seed": clip.seed,
        "evidence_segments": list(plan.evidence),
        "evidence_frames": list(frames),
        "boxes": [[*(int(v) for v in plan.corners[frame]), spec.patch, spec.patch] for frame in frames],
    }


def _json(facts: dict[str, Any]) -> str:
    return json.dumps(facts, separators=(",", ":")) + "\n"


def _check_folder(root: Path, identity: dict[str, Any]) -> bool:
    """Whether the folder holds this data set, complete. DataError where it holds another one, or something else."""
    manifest = root / MANIFEST
    if not manifest.is_file():
        taken = [name for name in ("train", "test") if (root / name).exists()]
        if taken or (root.exists() and not root.is_dir()):
            found = f"there is a {taken[0]} already, and no {MANIFEST}" if taken else "this is a file"
            raise DataError(f"{root}: {found}; try: another folder")
        return False
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        found_spec = dict(facts["spec"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{manifest}: cannot be read ({error}); try: another folder, or remove this one") from error
    wanted_spec = identity["spec"]
    changes = [
        f"{key} is {found_spec.get(key)!r}, not {value!r}"
        for key, value in wanted_spec.items()
        if found_spec.get(key) != value
    ]
    changes += [
        f"{key} is {facts.get(key)!r}, not {identity[key]!r}"
        for key in ("train", "test", "recipe")
        if facts.get(key) != identity[key]
    ]
    if changes:
        raise DataError(
            f"{root}: holds another needle data set ({'; '.join(changes)}); try: another folder, or remove this one"
        )
    return facts.get("complete") is True

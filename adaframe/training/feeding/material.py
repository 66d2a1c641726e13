"""What a run trains on: the data set's clips, readable, cached, and where backbones are frozen their features.

Made once and shared by folds.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from types import TracebackType

import numpy as np

from adaframe.config import Config
from adaframe.data.manifest import Clip, DataSet, load_dataset
from adaframe.errors import DataError, VideoError
from adaframe.files import write_text
from adaframe.model.network import Network
from adaframe.model.priority import Rule
from adaframe.progress import Line
from adaframe.training.feeding.batches import Batches
from adaframe.training.feeding.features import FrozenFeatures, frozen_features
from adaframe.training.feeding.sources import CachedFrames, DecodedFrames, Source
from adaframe.video import ClipRequest, DecodePool, FrameCache

BAD_SHARE = 0.2  # More bad clips than this, and something is wrong with the data set, not with single clips.

_NOTING = Lock()  # Training and validation clips are decoded by threads of their own.


@dataclass(eq=False)
class Material:
    """Clips and where their samples come from.

    Args:
        config: of the run.
        out: its folder.
        data_set: its clips but those of the test split, numbered from 0.
        cache: decoded frames, if they fit.
        pool: decodes where there is no cache.
        bad: errors of clips that cannot be read, by number.
        features: of frozen backbones, by glance and look; None where backbones learn or crops move.
        targets: float32, (N, K).
        chief: whether to print and to write files (of several ranks, the first).
        closed: set when it is no more to be used.
    """

    config: Config
    out: Path
    data_set: DataSet
    cache: FrameCache | None
    pool: DecodePool | None
    requests: list[ClipRequest]
    bad: dict[int, VideoError]
    features: FrozenFeatures | None = None
    targets: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    chief: bool = True
    closed: bool = False

    def __enter__(self) -> Material:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.closed = True
        if self.pool is not None:
            self.pool.__exit__(kind, error, trace)

    def for_rank(self, workers: int) -> Material:
        """The same for another process: without the pool, whose processes cannot be handed on, silent, writing nothing."""
        data = replace(self.config.data, workers=workers)
        return replace(self, config=replace(self.config, data=data), pool=None, bad=dict(self.bad), chief=False)

    def with_pool(self) -> Material:
        """The same with a pool, where it needs one."""
        return self if self.cache is not None else replace(self, pool=_pool(self.config))

    def source(self, network: Network, *, frozen: bool = True, rule: Rule | None = None) -> Source:
        """Samples for this network, with the priority of their frames by a rule: its plan's, or another one."""
        rule = rule or network.rule
        if self.features is not None and frozen:
            wanted = [*network.actions.looks, *(["glance"] if network.glance is not None else [])]
            return self.features.restricted(wanted, rule)
        if self.cache is not None:
            return CachedFrames(self.cache, self.config.model, self.config.data, rule)
        assert self.pool is not None
        return DecodedFrames(self.requests, self.pool, self.config.model, self.config.data, rule)

    def batches(
        self,
        network: Network,
        clips: Sequence[int],
        *,
        seed: tuple[int, int] | None = None,
        frozen: bool = True,
        share: tuple[int, int] = (0, 1),
        rule: Rule | None = None,
    ) -> Batches:
        """Batches of one pass over the clips (by number), or a rank's share of each; with a seed, shuffled and augmented."""
        return Batches(
            self.source(network, frozen=frozen, rule=rule),
            clips,
            self.targets,
            self.config.train.batch_size,
            seed=seed,
            glances=network.glance is not None,
            bad=self.bad,
            on_bad=self.leave_out,
            share=share,
            accumulate=self.config.train.accumulate,
        )

    def leave_out(self, clip: int, error: VideoError) -> None:
        """Note a clip that cannot be read; raises DataError when they become too many."""
        with _NOTING:
            # What was being decoded when all ended was given up: that says nothing about the file.
            if self.closed or clip in self.bad:
                return
            self.bad[clip] = error
            if self.chief:
                _report_bad(self.bad, self.data_set, self.out, new=[clip])
            _check_share(self.bad, self.data_set, self.out)

    @property
    def readable(self) -> list[int]:
        """Numbers of the clips that can be read."""
        return [n for n in range(len(self.data_set.clips)) if n not in self.bad]


def learnable(config: Config) -> DataSet:
    """The data set without its test split; with data.labels: first, without clips that have none, and one label each.

    Raises:
        DataError: the data set is wrong.
    """
    data_set = load_dataset(config.data.root, config.data.manifest)
    data_set = replace(data_set, clips=tuple(clip for clip in data_set.clips if clip.split != "test"))
    if config.data.labels == "first":
        labelled = [clip for clip in data_set.clips if clip.labels]
        first = [replace(clip, labels=(min(clip.labels, key=data_set.classes.index),)) for clip in labelled]
        data_set = replace(data_set, clips=tuple(first), multi_label=False)
    if not data_set.clips:
        raise DataError(
            f"{config.data.manifest or config.data.root}: all clips are of the test split; try: add a train split"
        )
    return data_set


def load_material(config: Config, data_set: DataSet, out: Path) -> Material:
    """Decode a data set into the cache, and name the clips that cannot be read.

    Raises:
        DataError: more than a fifth of the clips cannot be read.
    """
    requests = [_request(config, clip) for clip in data_set.clips]
    targets = np.zeros((len(data_set.clips), len(data_set.classes)), np.float32)
    for n, clip in enumerate(data_set.clips):
        targets[n, [data_set.classes.index(label) for label in clip.labels]] = 1.0
    cache, bad = _cache(config, requests, out)
    _report_bad(bad, data_set, out, new=sorted(bad))
    _check_share(bad, data_set, out)
    pool = None if cache is not None else _pool(config)
    return Material(config, out, data_set, cache, pool, requests, bad, targets=targets)


def use_frozen_features(material: Material, network: Network) -> None:
    """Compute features once, where that is the same as computing them each time."""
    config = material.config
    if config.train.trainable != "none" or material.cache is None:
        return
    preprocess = config.model.preprocess
    still = preprocess.resize == preprocess.crop and (preprocess.fit == "squash" or _all_square(material))
    pretrained = all(look.weights != "none" for look in config.model.looks) and config.model.glance.weights != "none"
    plain = config.data.scale >= 1 and not config.data.jitter and config.data.crops == "random"
    if not (pretrained and still and plain):
        return
    readable = material.readable
    line = Line("computing features of the frozen backbones")
    material.features = frozen_features(
        network, material.cache, readable, mirror=config.data.flip, progress=line.update
    )
    line.done()


def _pool(config: Config) -> DecodePool:
    return DecodePool(workers=config.data.workers).__enter__()


def _all_square(material: Material) -> bool:
    assert material.cache is not None
    return all(len(set(material.cache.frames(n, np.array([0])).shape[1:3])) == 1 for n in material.readable)


def _request(config: Config, clip: Clip) -> ClipRequest:
    return ClipRequest(
        path=clip.path,
        sampling=config.model.sampling,
        preprocess=config.model.preprocess,
        start_s=clip.start_s,
        end_s=clip.end_s,
        reader=config.data.reader,
        crop=False,
    )


def _cache(config: Config, requests: list[ClipRequest], out: Path) -> tuple[FrameCache | None, dict[int, VideoError]]:
    if not config.data.cache:
        return None, {}
    folder = out / "cache" if config.data.cache == "auto" else Path(config.data.cache)
    line = Line("decoding")
    cache, bad = FrameCache.build_or_open(
        folder,
        requests,
        pool_workers=config.data.workers,
        limit_gb=config.data.cache_gb,
        progress=line.update,
    )
    line.done()
    if cache is None:
        print(
            f"decoded frames would take more than data.cache_gb {config.data.cache_gb:g}: decoding anew",
            file=sys.stderr,
        )
    return cache, bad


def _report_bad(bad: dict[int, VideoError], data_set: DataSet, out: Path, *, new: Sequence[int]) -> None:
    if not new:
        return
    total = len(data_set.clips)
    lines = [f"{data_set.clips[n].path}\t{error.what}" for n, error in sorted(bad.items())]
    write_text(out / "bad_clips.txt", "\n".join(lines) + "\n")
    for n in new[:5]:
        print(f"left out: {data_set.clips[n].path}: {bad[n].what}", file=sys.stderr)
    print(f"{len(bad)} of {total} clips cannot be read; all are listed in {out / 'bad_clips.txt'}", file=sys.stderr)


def _check_share(bad: dict[int, VideoError], data_set: DataSet, out: Path) -> None:
    total = len(data_set.clips)
    if len(bad) > BAD_SHARE * total:
        raise DataError(
            f"{len(bad)} of {total} clips cannot be read (more than {BAD_SHARE:.0%}); see {out / 'bad_clips.txt'}"
        )

"""Tiny clips, networks and runs for the tests of training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from adaframe.config import Config, Data, Glance, Head, Look, Model, Policy, Preprocess, Sampling, Stages, Train
from adaframe.model.network import Clips, Features, Network
from adaframe.training.feeding.batch import Batch
from adaframe.training.module import Recogniser

COLOURS = {"blue": (30, 30, 210), "red": (210, 30, 30), "green": (30, 210, 30)}
TINY = Model(
    glance=Glance(8, "tiny-2", "none"),
    looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-2", "none")),
    policy=Policy(project=6, hidden=6, skips=(1, 2)),
    head=Head(width=8, dropout=0.0),
    sampling=Sampling(frames=4),
    preprocess=Preprocess(resize=32, crop=32),
)


@contextmanager
def single_threaded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module", autouse=True)
def one_thread() -> Iterator[None]:
    """Many threads make tiny networks slow, and sums depend on how many there are."""
    with single_threaded():
        yield


def render(path: Path, colour: str, seed: int, *, frames: int = 8, size: tuple[int, int] = (32, 32)) -> Path:
    """A clip whose background is its class; a bar moves over it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    height, width = size
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=8, options={"crf": "10", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt, stream.thread_count = width, height, "yuv420p", 1
        shade, place = rng.integers(-25, 26, 3), int(rng.integers(4))
        for t in range(frames):
            picture = np.clip(np.array(COLOURS[colour]) + shade + np.zeros((height, width, 1)), 0, 255).astype(np.uint8)
            top = 8 * ((t + place) % 4)
            picture[top : top + 8, : width // 2] = 255 - picture[top : top + 8, : width // 2]
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def render_folder(root: Path, *, clips: int, classes: tuple[str, ...] = ("blue", "red")) -> Path:
    for i in range(clips):
        label = classes[i % len(classes)]
        render(root / label / f"{i:02d}.mp4", label, seed=i)
    return root


def changed(config: Any, changes: Mapping[str, Any]) -> Any:
    """The dataclass with other values, named as the flags are: {"train.lr": 0.1}."""
    for key, value in changes.items():
        name, _, rest = key.partition(".")
        assert is_dataclass(config)
        assert name in {f.name for f in fields(config)}
        config = replace(config, **{name: changed(getattr(config, name), {rest: value}) if rest else value})
    return config


@pytest.fixture(scope="session")
def make_clip() -> Callable[..., Path]:
    """Renders one clip: make_clip(path, "blue", seed)."""
    return render


@pytest.fixture(scope="session")
def make_folder() -> Callable[..., Path]:
    """Renders a folder per class: make_folder(root, clips=12)."""
    return render_folder


@pytest.fixture(scope="session")
def colours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """14 clips, blue or red: root/blue/00.mp4, root/red/01.mp4, …"""
    return render_folder(tmp_path_factory.mktemp("colours"), clips=14)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the runs of a session, so that each data set is decoded once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def make_config(colours: Path, shared_cache: Path) -> Callable[..., Config]:
    """A run of three epochs, one of each stage, on the colours; with changes such as **{"train.lr": 0.1}."""
    base = Config(
        model=TINY,
        data=Data(root=str(colours), workers=1, val_fraction=0.3, cache=str(shared_cache)),
        train=Train(stages=Stages(1, 1, 1), batch_size=5, lr=0.01),
        budget=0.7,
        device="cpu",
    )

    def make(**changes: Any) -> Config:
        config: Config = changed(base, changes)
        return config

    return make


@pytest.fixture(scope="session")
def trained(make_config: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that has ended; not to be written to."""
    from adaframe.training.fit import fit

    out = tmp_path_factory.mktemp("run")
    with single_threaded():  # made before `one_thread`, as it lives longer
        fit(make_config(), out=out)
    return out


@pytest.fixture
def make_recogniser(make_config: Callable[..., Config]) -> Callable[..., Recogniser]:
    """What trains a tiny network, with a configuration's changes."""

    def make(
        network: Network | None = None, *, multi_label: bool = False, updates: int = 3, **changes: Any
    ) -> Recogniser:
        config = make_config(**changes)
        if network is None:
            torch.manual_seed(config.seed)
            network = Network(config.model, classes=2, plan=config.policy)
        return Recogniser(network, config, multi_label=multi_label, clips=12, batches_per_epoch=updates)

    return make


@pytest.fixture
def make_batch() -> Callable[..., Batch]:
    """A batch of random pictures, or (features=True) of random features, for TINY with K classes."""

    def make(
        network: Network,
        *,
        videos: int = 4,
        classes: int = 2,
        seed: int = 0,
        features: bool = False,
        short: bool = True,
    ) -> Batch:
        generator = torch.Generator().manual_seed(seed)
        frames = network.model.sampling.frames
        lengths = torch.randint(2, frames + 1, (videos, 1), generator=generator) if short else frames
        valid = torch.arange(frames).expand(videos, -1) < lengths
        times_s = torch.arange(frames).float().expand(videos, -1) * 0.25
        targets = torch.nn.functional.one_hot(torch.arange(videos) % classes, classes).float()
        crops = torch.randint(0, 256, (videos, frames, 32, 32, 3), generator=generator, dtype=torch.uint8)
        if not features:
            return Batch(crops, None, valid, times_s, targets, torch.arange(videos))
        network.eval()
        with torch.no_grad():
            computed: Features = network.all_features(Clips(crops, valid, times_s))
        return Batch(None, computed, valid, times_s, targets, torch.arange(videos))

    return make

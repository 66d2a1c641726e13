"""A tiny checkpoint and rendered clips, for the tests that go through files. What is heavy is imported when it is used."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

CLASSES = ("run", "sit", "wave")
RenderClip = Callable[..., Path]
MakeCheckpoint = Callable[..., Path]


def pictures(seconds: float, size: tuple[int, int], fps: int, seed: int) -> Any:
    """Coarse coloured patches, uint8, (N, H, W, 3); they change four times a second, so that glances differ."""
    import numpy as np

    height, width = size
    random = np.random.default_rng(seed)
    frames = max(1, round(seconds * fps))
    scenes = random.integers(0, 256, (frames * 4 // fps + 1, 4, 4, 3), dtype=np.uint8)
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return np.stack([scenes[i * 4 // fps][rows][:, columns] for i in range(frames)])


@pytest.fixture(scope="session")
def render_clip(tmp_path_factory: pytest.TempPathFactory) -> RenderClip:
    """Renders an H.264 file of coloured patches; the same arguments give the same pictures."""
    base = tmp_path_factory.mktemp("clips")

    def make(
        path: str | Path,
        seconds: float = 1.0,
        *,
        size: tuple[int, int] = (48, 64),
        fps: int = 25,
        seed: int = 0,
        pixel_format: str = "yuv420p",
        options: dict[str, str] | None = None,
    ) -> Path:
        import av

        target = base / path  # an absolute path stays as it is
        target.parent.mkdir(parents=True, exist_ok=True)
        with av.open(str(target), "w", options=options or {}) as container:
            stream = container.add_stream("libx264", rate=fps)
            stream.height, stream.width, stream.pix_fmt = *size, pixel_format
            stream.options = {"crf": "18", "preset": "ultrafast"}
            for picture in pictures(seconds, size, fps, seed):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode())
        return target

    return make


@pytest.fixture(scope="session")
def make_checkpoint(tmp_path_factory: pytest.TempPathFactory) -> MakeCheckpoint:
    """Saves a tiny network with random weights: looks at 32 and 16 pixels, glances at 8 that may answer, T of 4 a second."""
    import torch

    from adaframe.config import Glance, Head, Look, Model, Policy, Preprocess, Sampling
    from adaframe.model.checkpoint import save_checkpoint
    from adaframe.model.metadata import CalibrationPoint, Metadata
    from adaframe.model.network import Clips, Network

    base = tmp_path_factory.mktemp("checkpoints")
    tiny = Model(
        glance=Glance(pixels=8, backbone="tiny-2", weights="none", answers=True),
        looks=(Look("look-32", 32, "tiny-2", "none"), Look("look-16", 16, "tiny-2", "none")),
        policy=Policy(project=4, hidden=4, skips=(1, 2)),
        head=Head(width=8),
        sampling=Sampling(frames=4, window_s=1.0),
        preprocess=Preprocess(resize=32, crop=32),
    )

    @torch.no_grad()
    def make(
        name: str, *, plan: str = "adaptive", seed: int = 0, parts: dict[str, Any] | None = None, **facts: Any
    ) -> Path:
        torch.manual_seed(seed)
        model = replace(tiny, **(parts or {}))
        classes = facts.pop("classes", CLASSES)
        network = Network(model, classes=len(classes), plan=plan).eval()
        generator = torch.Generator().manual_seed(seed)
        patches = torch.randint(0, 256, (64, 4, 4, 4, 3), generator=generator, dtype=torch.uint8)
        crops = patches.repeat_interleave(8, dim=2).repeat_interleave(8, dim=3)
        valid = torch.ones(64, 4, dtype=torch.bool)
        clips = Clips(crops, valid, torch.arange(4).repeat(64, 1) / 4)
        for module in network.modules():
            if isinstance(
                module, torch.nn.BatchNorm2d
            ):  # as after training, so that features differ from frame to frame
                module.momentum = 1.0
                module.train()
        network.all_features(clips)
        network.eval()
        calibration = []
        if network.policy is not None:
            network.policy.cell.weight_ih.normal_(0, 3)
            network.policy.logits.weight.normal_(0, 3)  # a policy with opinions
            network.policy.logits.bias[0] += 2
            price = torch.tensor(network.costs.price(network.actions))
            full = network.costs.uniform(valid.sum(dim=1)).mean()
            glances = network.glance_features(clips)
            for beta in (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0):
                decisions = network.decide(glances, valid, bias=-beta * price[None])
                cost = float(network.costs.executed(decisions).mean() / full)
                stream = float(network.costs.streamed(decisions).mean() / full)
                calibration.append(CalibrationPoint(beta, cost, stream, 0.5))
        network.head.classify.weight.normal_(0, 2)
        assert network.head.gap is not None
        network.head.gap.normal_()  # gaps in seconds matter
        # Centred, so that each class is the answer for some clips.
        network.head.classify.bias.copy_(-network.recognise(clips)[0].mean(dim=0) + network.head.classify.bias)
        metadata = Metadata(
            model=model,
            plan=plan,
            classes=classes,
            costs=network.costs,
            **({"calibration": tuple(calibration), "multi_label": False} | facts),
        )
        path = base / f"{name}.safetensors"
        save_checkpoint(path, network, metadata)
        return path

    return make


@pytest.fixture(scope="session")
def tiny_checkpoint(make_checkpoint: MakeCheckpoint) -> Path:
    return make_checkpoint("tiny")


@pytest.fixture(scope="session")
def odd_media() -> Path:
    """A folder with odd and damaged files, where there is one."""
    folder = os.environ.get("ADAFRAME_TEST_DATA")
    if not folder:
        pytest.skip("ADAFRAME_TEST_DATA is not set")
    return Path(folder) / "media"

"""What is left of evidence, cues and classes in the files themselves."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, interpolate

from adaframe.needle import CUES, TEXTURES, NeedleSpec, clips, evidence, render
from adaframe.needle.dataset import NeedleClip
from adaframe.needle.encode import encode
from adaframe.needle.paint import paint
from adaframe.needle.plan import plan_clip


def decode(path: Path, chosen: Collection[int] = range(1000)) -> Tensor:
    """The chosen frames (or all), RGB, 0..255, float, (frames, 3, pixels, pixels)."""
    with av.open(str(path)) as container:
        decoded = enumerate(container.decode(video=0))
        frames = [frame.to_ndarray(format="rgb24") for index, frame in decoded if index in chosen]
    return torch.from_numpy(np.stack(frames)).permute(0, 3, 1, 2).float()


def shrink(frames: Tensor, pixels: int) -> Tensor:
    return interpolate(frames, size=(pixels, pixels), mode="bilinear", antialias=True)


def brightness(picture: Tensor) -> Tensor:
    """(3, h, w) -> (h, w)."""
    return (picture * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(0)


def patch_boxes(spec: NeedleSpec, clip: NeedleClip) -> NDArray[np.int64]:
    """Top left corners of the patch in the evidence frames, (x, y), (frames, 2)."""
    return plan_clip(spec, clip.label, clip.seed).corners[list(evidence(spec, clip.seed))]


@pytest.mark.parametrize("texture", TEXTURES)
def test_textures_survive_encoding_at_full_size_and_vanish_at_half(tmp_path: Path, texture: str) -> None:
    spec = NeedleSpec(texture=texture, classes=len(TEXTURES[texture]), noise=0.0)
    render(tmp_path, spec, train=spec.classes, test=0)

    for clip in clips(spec, train=spec.classes, test=0):
        frames = decode(tmp_path / clip.path, evidence(spec, clip.seed))
        half = shrink(frames, spec.pixels // 2)
        for frame, (x, y) in enumerate(patch_boxes(spec, clip)):
            whole = brightness(frames[frame])[y : y + spec.patch, x : x + spec.patch]
            small = brightness(half[frame])[y // 2 : (y + spec.patch) // 2, x // 2 : (x + spec.patch) // 2]
            assert whole[12:-12, 12:-12].std() > 35, clip.path
            assert small[1:-1, 1:-1].std() < 0.6, clip.path
            assert abs(whole.mean() - 127) < 1.5, clip.path


@pytest.mark.parametrize("cue", CUES)
def test_a_glance_of_28_pixels_sees_the_cue_on_evidence_and_nowhere_else(tmp_path: Path, cue: str) -> None:
    spec = NeedleSpec(cue=cue)
    render(tmp_path, spec, train=16, test=0)
    seen, unseen = [], []

    for clip in clips(spec, train=16, test=0):
        glance = shrink(decode(tmp_path / clip.path), 28)
        colour = (glance.amax(1) - glance.amin(1)).amax((1, 2))  # of the most colourful pixel, (frames,)
        marked = torch.zeros(spec.frames, dtype=torch.bool)
        marked[list(evidence(spec, clip.seed))] = True
        seen.append(colour[marked].min())
        unseen.append(colour[~marked].max())

    assert min(seen) > max(unseen) + 10


@pytest.mark.parametrize("texture", TEXTURES)
def test_the_size_of_a_file_does_not_tell_its_class(tmp_path: Path, texture: str) -> None:
    spec = NeedleSpec(texture=texture)
    sizes = np.zeros((spec.classes, 12))

    for label in range(spec.classes):
        for seed in range(sizes.shape[1]):
            path = tmp_path / f"{label}-{seed}.mp4"
            encode(path, paint(spec, plan_clip(spec, label, seed), seed), spec.fps)
            sizes[label, seed] = path.stat().st_size

    assert np.all(sizes == sizes[0])


def evidence_crops(root: Path, spec: NeedleSpec, planned: list[NeedleClip]) -> tuple[Tensor, Tensor, Tensor]:
    """The patch with its surroundings in evidence frames, cut out of full pictures and of pictures of half the size.

    Returns:
        Full (N, E, 3, p, p) and half (N, E, 3, p/2, p/2) for E evidence frames, about -2..2, and classes (N,).
    """
    around = 6
    side, whole, small = spec.patch + 2 * around, [], []
    for clip in planned:
        frames = decode(root / clip.path, evidence(spec, clip.seed)) / 64 - 2
        half = shrink(frames, spec.pixels // 2)
        for frame, (x, y) in enumerate(patch_boxes(spec, clip) - around):
            whole.append(frames[frame, :, y : y + side, x : x + side])
            small.append(half[frame, :, y // 2 : (y + side) // 2, x // 2 : (x + side) // 2])
    shape = (len(planned), spec.evidence_segments * spec.per_segment, 3)
    labels = torch.tensor([clip.label for clip in planned])
    return (
        torch.stack(whole).reshape(*shape, side, side),
        torch.stack(small).reshape(*shape, side // 2, side // 2),
        labels,
    )


def accuracy_of_a_cnn(crops: Tensor, labels: Tensor, train: int, classes: int) -> float:
    """On the clips after the first `train`, of a network that was trained on those."""
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for narrow, wide in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(narrow, wide, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(wide), nn.ReLU()]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))
    epochs, batch = 15, 16
    optimiser = torch.optim.AdamW(network.parameters(), lr=3e-3)
    steps = epochs * -(-train // batch)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 3e-3, total_steps=steps)

    def scores(chosen: Tensor) -> Tensor:
        per_frame: Tensor = network(crops[chosen].flatten(0, 1))
        return per_frame.reshape(len(chosen), -1, classes).mean(1)

    for _ in range(epochs):
        order = torch.randperm(train)
        for start in range(0, train, batch):
            chosen = order[start : start + batch]
            loss = cross_entropy(scores(chosen), labels[chosen])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    network.eval()
    with torch.no_grad():
        held_out = torch.arange(train, len(labels))
        return float((scores(held_out).argmax(1) == labels[held_out]).float().mean())


@pytest.mark.slow
@pytest.mark.parametrize(("texture", "cue"), [("stripes", "colour"), ("stripes", "ring"), ("bricks", "corner")])
def test_a_network_reads_the_class_from_full_size_evidence_and_not_from_half(
    tmp_path: Path, texture: str, cue: str
) -> None:
    spec, train, test = NeedleSpec(texture=texture, cue=cue), 200, 200
    render(tmp_path, spec, train=train, test=test)
    whole, small, labels = evidence_crops(tmp_path, spec, clips(spec, train=train, test=test))

    assert accuracy_of_a_cnn(whole, labels, train, spec.classes) > 0.9
    chance = 1 / spec.classes
    three_sigma = 3 * (chance * (1 - chance) / test) ** 0.5
    assert abs(accuracy_of_a_cnn(small, labels, train, spec.classes) - chance) < three_sigma

from __future__ import annotations

import numpy as np
import pytest

from adaframe.needle import CUES, TEXTURES, NeedleSpec, evidence
from adaframe.needle.paint import paint
from adaframe.needle.plan import plan_clip


@pytest.mark.parametrize("texture", TEXTURES)
def test_textures_have_one_mean_and_one_strength(texture: str) -> None:
    spec = NeedleSpec(texture=texture, classes=len(TEXTURES[texture]), noise=0.0)
    patches = []

    for label in range(spec.classes):
        plan = plan_clip(spec, label, seed=1)
        frame = evidence(spec, 1)[0]
        x, y = plan.corners[frame]
        patches.append(paint(spec, plan, seed=1)[frame, y : y + spec.patch, x : x + spec.patch].astype(float))

    assert np.allclose([patch.mean() for patch in patches], 126.0, atol=0.3)
    strengths = [patch.std() for patch in patches]
    assert np.ptp(strengths) < 0.5
    assert min(strengths) > 15


@pytest.mark.parametrize("cue", CUES)
def test_clips_that_differ_in_class_alone_differ_within_the_patch_alone(cue: str) -> None:
    spec = NeedleSpec(cue=cue)

    plans = [plan_clip(spec, label, seed=4) for label in (0, 1)]
    one, other = (paint(spec, plan, seed=4) for plan in plans)

    frames = evidence(spec, 4)
    changed = one != other  # (frames, rows of Y, U and V, columns)
    assert sorted(set(np.nonzero(changed)[0])) == list(frames)
    for frame in frames:
        x, y = plans[0].corners[frame]
        changed[frame, y : y + spec.patch, x : x + spec.patch] = False
    assert not changed.any()


@pytest.mark.parametrize("cue", CUES)
def test_cues_mark_the_evidence_and_no_other_frame(cue: str) -> None:
    spec = NeedleSpec(cue=cue)
    pictures = paint(spec, plan_clip(spec, 0, seed=2), seed=2).astype(float)

    u, v = pictures[:, spec.pixels :].reshape(spec.frames, 2, -1).swapaxes(0, 1) - 128.0
    found = set(np.nonzero(np.sum(np.hypot(u, v) > 30, axis=1) > 50)[0])

    assert found == set(evidence(spec, 2))


def test_bigger_pictures_and_longer_clips_can_be_had() -> None:
    spec = NeedleSpec(pixels=160, frames=24, segments=8, patch=44)

    pictures = paint(spec, plan_clip(spec, 0, seed=0), seed=0)

    assert pictures.shape == (24, 240, 160)

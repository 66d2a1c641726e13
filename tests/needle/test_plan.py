from __future__ import annotations

import numpy as np

from adaframe.needle import NeedleSpec, evidence, evidence_segments
from adaframe.needle.plan import clip_seed, plan_clip

SPEC = NeedleSpec()
SEEDS = [clip_seed(SPEC, "train", number) for number in range(200)]


def test_every_clip_has_a_seed_of_its_own() -> None:
    seeds = {clip_seed(NeedleSpec(seed=s), split, n) for s in (0, 1) for split in ("train", "test") for n in range(100)}

    assert len(seeds) == 400


def test_evidence_fills_whole_segments() -> None:
    spec = NeedleSpec(frames=48, evidence_segments=2)

    segments, frames = evidence_segments(spec, 5), evidence(spec, 5)

    assert len(set(segments)) == 2
    assert frames == tuple(3 * s + k for s in segments for k in range(3))


def test_evidence_may_be_anywhere_and_is_rarely_in_neighbouring_segments() -> None:
    pairs = [evidence_segments(SPEC, seed) for seed in SEEDS]

    assert {s for pair in pairs for s in pair} == set(range(16))
    # Of the 120 pairs 15 are neighbours: an eighth.
    assert 0.03 < np.mean([b - a == 1 for a, b in pairs]) < 0.25


def test_the_class_changes_the_textures_of_the_evidence_and_nothing_else() -> None:
    one, other = (plan_clip(SPEC, label, seed=9) for label in (0, 3))

    chosen = list(one.evidence)
    assert one.textures[chosen].tolist() == [0, 0]
    assert other.textures[chosen].tolist() == [3, 3]
    assert np.array_equal(np.delete(one.textures, chosen), np.delete(other.textures, chosen))
    assert one.evidence == other.evidence
    for name in ("corners", "hues", "turns"):
        assert np.array_equal(getattr(one, name), getattr(other, name)), name


def test_decoys_are_in_nearly_all_other_segments_and_show_every_class_alike() -> None:
    shown = np.concatenate([np.delete(p.textures, p.evidence) for p in (plan_clip(SPEC, 0, seed) for seed in SEEDS)])

    assert 0.92 < np.mean(shown >= 0) < 0.98
    shares = np.bincount(shown[shown >= 0], minlength=4) / np.sum(shown >= 0)
    assert np.allclose(shares, 0.25, atol=0.04)


def test_the_patch_moves_and_stays_in_the_picture_with_its_cue() -> None:
    corners = np.stack([plan_clip(SPEC, 0, seed).corners for seed in SEEDS])  # (clips, frames, 2)

    assert corners.min() >= 6
    assert corners.max() <= SPEC.pixels - SPEC.patch - 6
    assert np.all(corners % 2 == 0)
    assert np.ptp(corners, axis=1).max(axis=1).min() > 5

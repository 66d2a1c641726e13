"""From clips to batches: order, randomness, padding, and what happens to clips that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from adaframe.config import Config, Model, Sampling
from adaframe.errors import DataError, UnreadableVideo, VideoError
from adaframe.training.feeding.batch import Batch
from adaframe.training.feeding.batches import Batches
from adaframe.training.feeding.material import learnable, load_material
from adaframe.training.feeding.sources import CachedFrames, DecodedFrames, Sample, candidate_plan

TARGETS = np.eye(2, dtype=np.float32)[np.arange(10) % 2]


class Numbers:
    """Clip n has frames of value n; with a generator, its noise stands in the times."""

    def __init__(self, *, bad: Sequence[int] = (), features: bool = False) -> None:
        self.bad, self.features = bad, features

    def samples(
        self, clips: Sequence[int], rngs: Sequence[np.random.Generator | None]
    ) -> Iterator[Sample | VideoError]:
        for clip, rng in zip(clips, rngs, strict=True):
            if clip in self.bad:
                yield UnreadableVideo(f"{clip}.mp4", "nothing there")
                continue
            noise = 0.0 if rng is None else rng.random()
            frames = np.full((2, 4, 4, 3), clip, np.uint8)
            vectors = tuple(np.full((2, 5), clip + part, np.float32) for part in (0.0, 0.5))
            yield Sample(
                vectors if self.features else frames, np.array([True, False]), np.full(2, noise, dtype=np.float32)
            )


def clips_of(batches: Batches) -> list[list[int]]:
    return [batch.clips.tolist() for batch in batches]


def test_without_a_seed_the_order_is_fixed_and_every_clip_is_kept() -> None:
    batches = Batches(Numbers(), range(7), TARGETS, 3)

    assert clips_of(batches) == [[0, 1, 2], [3, 4, 5], [6]]
    assert len(batches) == 3
    assert all(float(batch.times_s.sum()) == 0 for batch in batches)


def test_frames_targets_and_numbers_of_a_batch_belong_together() -> None:
    for batch in Batches(Numbers(), range(10), TARGETS, 4, seed=(0, 0)):
        assert batch.crops is not None
        assert batch.crops[:, 0, 0, 0, 0].tolist() == batch.clips.tolist()
        assert batch.targets.argmax(dim=1).tolist() == [n % 2 for n in batch.clips.tolist()]
        assert batch.valid.tolist() == [[True, False]] * len(batch.clips)


def test_order_and_noise_come_from_seed_epoch_and_clip() -> None:
    def noise(seed: int, epoch: int, clips: Sequence[int]) -> dict[int, float]:
        batches = Batches(Numbers(), clips, TARGETS, 4, seed=(seed, epoch))
        return {int(n): float(t) for b in batches for n, t in zip(b.clips, b.times_s[:, 0], strict=True)}

    first = noise(0, 0, range(10))

    assert list(first) == list(noise(0, 0, range(10)))
    assert list(first) != list(noise(0, 1, range(10)))
    assert len(set(first.values())) == 10
    assert first == noise(0, 0, range(10))
    assert all(first[n] != noise(0, 1, range(10))[n] for n in range(10))
    assert all(first[n] != noise(1, 0, range(10))[n] for n in range(10))
    # What else is trained on does not change what a clip looks like.
    assert noise(0, 0, [3, 4])[3] == first[3]


def test_each_epoch_meets_all_clips_but_for_a_single_one_left_over() -> None:
    met = [clips_of(Batches(Numbers(), range(10), TARGETS, 3, seed=(0, epoch))) for epoch in range(30)]

    assert all([len(batch) for batch in epoch] == [3, 3, 3] for epoch in met)
    assert {n for epoch in met for batch in epoch for n in batch} == set(range(10))
    assert clips_of(Batches(Numbers(), [4], TARGETS, 3, seed=(0, 0))) == [[4]]


def test_a_clip_that_cannot_be_read_is_replaced_by_another_of_the_epoch() -> None:
    noted: list[int] = []

    met = clips_of(Batches(Numbers(bad=[1, 4]), range(9), TARGETS, 3, seed=(0, 0), on_bad=lambda n, _: noted.append(n)))

    flat = [n for batch in met for n in batch]
    assert [len(batch) for batch in met] == [3, 3, 3]
    assert set(flat) == set(range(9)) - {1, 4}
    assert sorted(noted) == [1, 4]


@pytest.mark.parametrize("known", [(), (1,), (1, 4)])
def test_the_replacement_does_not_depend_on_when_a_clip_was_found_to_be_bad(known: tuple[int, ...]) -> None:
    def met(bad: Sequence[int]) -> list[tuple[int, float]]:
        batches = Batches(Numbers(bad=[1, 4]), range(9), TARGETS, 3, seed=(0, 0), bad=bad)
        return [(int(n), float(t)) for b in batches for n, t in zip(b.clips, b.times_s[:, 0], strict=True)]

    assert met(known) == met(())


def test_a_replacement_looks_different_from_the_clip_itself() -> None:
    (batch,) = Batches(Numbers(bad=[0]), range(2), TARGETS, 2, seed=(0, 0))

    assert batch.clips.tolist() == [1, 1]
    assert batch.times_s[0, 0] != batch.times_s[1, 0]


def test_when_every_clip_turns_out_to_be_bad_it_is_an_error_and_not_an_endless_search() -> None:
    with pytest.raises(DataError, match="no clip is left to read"):
        list(Batches(Numbers(bad=range(4)), range(4), TARGETS, 2, seed=(0, 0)))


@pytest.mark.parametrize("ranks", [2, 3, 5])
@pytest.mark.parametrize("seed", [None, (0, 1)])
def test_ranks_share_each_batch_without_any_clip_twice(ranks: int, seed: tuple[int, int] | None) -> None:
    whole = list(Batches(Numbers(), range(10), TARGETS, 4, seed=seed))

    shares = [list(Batches(Numbers(), range(10), TARGETS, 4, seed=seed, share=(r, ranks))) for r in range(ranks)]

    for index, batch in enumerate(whole):
        parts = [share[index] for share in shares]
        counted = [part for part in parts if part.place.counts]
        assert torch.cat([p.clips for p in counted]).tolist() == batch.clips.tolist()
        # What a clip looks like is the same whichever rank meets it.
        assert torch.equal(torch.cat([p.times_s for p in counted]), batch.times_s)
        assert [p.place.first for p in counted] == [sum(len(q.clips) for q in counted[:i]) for i in range(len(counted))]
        assert {p.place.group for p in parts} == {p.place.update for p in parts} == {len(batch.clips)}
        assert sum(p.counted for p in parts) == len(batch.clips)


def test_a_rank_without_a_clip_goes_along_with_one_that_does_not_count() -> None:
    last = [list(Batches(Numbers(), range(5), TARGETS, 4, share=(rank, 3)))[-1] for rank in range(3)]

    assert [batch.place.counts for batch in last] == [False, False, True]
    assert [batch.clips.tolist() for batch in last] == [[4], [4], [4]]
    assert [batch.counted for batch in last] == [0, 0, 1]


def test_ranks_go_along_where_all_of_their_share_is_bad() -> None:
    first, second = (list(Batches(Numbers(bad=[0, 1]), range(4), TARGETS, 4, share=(rank, 2))) for rank in range(2))

    assert [batch.counted for batch in first] == [0]
    assert first[0].clips.tolist() == [2]
    assert [batch.counted for batch in second] == [2]


def test_accumulated_batches_know_the_clips_of_their_whole_update() -> None:
    batches = list(Batches(Numbers(), range(10), TARGETS, 3, accumulate=2))

    assert [len(b.clips) for b in batches] == [3, 3, 3, 1]
    assert [b.place.update for b in batches] == [6, 6, 4, 4]
    assert [b.place.group for b in batches] == [3, 3, 3, 1]


def test_a_clip_that_cannot_be_read_is_noted_and_met_no_more() -> None:
    noted: dict[int, VideoError] = {}

    first = clips_of(Batches(Numbers(bad=[1, 4, 5]), range(6), TARGETS, 2, on_bad=noted.__setitem__))
    second = clips_of(Batches(Numbers(bad=[1, 4, 5]), range(6), TARGETS, 2, bad=noted))

    assert first == [[0], [2, 3]]
    assert set(noted) == {1, 4, 5}
    assert second == [[0, 2], [3]]


def test_when_no_clip_is_left_it_is_an_error_and_not_an_endless_nothing() -> None:
    bad: dict[int, VideoError] = {n: UnreadableVideo(f"{n}.mp4", "nothing there") for n in range(4)}

    with pytest.raises(DataError, match="no clip is left to read"):
        Batches(Numbers(), range(4), TARGETS, 2, bad=bad)


def test_the_last_of_the_features_are_the_glances() -> None:
    (batch,) = Batches(Numbers(features=True), range(2), TARGETS, 2)
    (without,) = Batches(Numbers(features=True), range(2), TARGETS, 2, glances=False)

    assert batch.crops is None
    assert batch.features is not None
    assert batch.features.glance is not None
    assert batch.features.glance[:, 0, 0].tolist() == [0.5, 1.5]
    assert [look[:, 0, 0].tolist() for look in batch.features.looks] == [[0.0, 1.0]]
    assert without.features is not None
    assert without.features.glance is None
    assert len(without.features.looks) == 2


def test_a_batch_moves_with_all_that_it_holds() -> None:
    (batch,) = Batches(Numbers(features=True), range(2), TARGETS, 2)

    moved: Batch = batch.to(torch.device("meta"))

    assert moved.features is not None
    assert moved.features.glance is not None
    held = (moved.valid, moved.times_s, moved.targets, moved.clips, moved.features.glance, *moved.features.looks)
    assert {x.device.type for x in held} == {"meta"}


def test_candidates_of_the_middle_are_taken_without_a_generator() -> None:
    model = Model(sampling=Sampling(frames=4))
    times_s = np.arange(8) / 8 + 3.0  # a clip that begins at 3 s of its file

    indices, valid, times = candidate_plan(times_s, np.array([[3.0, 4.0]]), model, None)

    assert indices.tolist() == [1, 3, 5, 7]
    assert valid.tolist() == [True] * 4
    assert times.tolist() == [0.0, 0.25, 0.5, 0.75]


def test_candidates_vary_within_their_quarter_with_a_generator() -> None:
    model = Model(sampling=Sampling(frames=4))
    taken = [
        candidate_plan(np.arange(8) / 8, np.array([[0.0, 1.0]]), model, np.random.default_rng(n))[0].tolist()
        for n in range(20)
    ]

    assert all([n // 2 for n in indices] == [0, 1, 2, 3] for indices in taken)
    assert len({tuple(indices) for indices in taken}) > 5


def test_candidates_never_come_from_two_stretches_of_a_long_clip() -> None:
    model = Model(sampling=Sampling(frames=4, window_s=1.0))
    spans_s = np.array([[0.0, 1.0], [10.0, 11.0], [20.0, 21.0]])
    times_s = np.concatenate([start + np.arange(8) / 8 for start in spans_s[:, 0]])

    chosen = [candidate_plan(times_s, spans_s, model, np.random.default_rng(n)) for n in range(30)]
    middle, _, _ = candidate_plan(times_s, spans_s, model, None)

    assert {tuple(sorted(set(indices // 8))) for indices, _, _ in chosen} == {(0,), (1,), (2,)}
    assert set(middle // 8) == {1}
    assert all(times[0] == 0 and times.max() < 1 for _, _, times in chosen)


def test_a_short_clip_is_padded(
    make_config: Callable[..., Config], make_clip: Callable[..., Path], tmp_path: Path
) -> None:
    make_clip(tmp_path / "blue" / "a.mp4", "blue", 0, frames=2)
    make_clip(tmp_path / "red" / "b.mp4", "red", 1, frames=8)
    config = make_config(**{"data.root": str(tmp_path)})

    with load_material(config, learnable(config), tmp_path) as material:
        assert material.cache is not None
        (batch,) = Batches(CachedFrames(material.cache, config.model, config.data), [0, 1], material.targets, 2)

    assert batch.valid.sum(dim=1).tolist() == [2, 4]
    assert batch.crops is not None
    assert int(batch.crops[0, 2:].max()) == 0
    assert batch.times_s[0].tolist() == [0.0, 0.125, 0.0, 0.0]


@pytest.mark.parametrize("seed", [None, (0, 3)])
def test_frames_decoded_anew_are_those_of_the_cache(
    make_config: Callable[..., Config], tmp_path: Path, seed: tuple[int, int] | None
) -> None:
    """Each clip has 8 frames, which are all candidates: without noise both ways see the same."""
    config = make_config()
    with load_material(config, learnable(config), tmp_path) as material:
        assert material.cache is not None
        cached = CachedFrames(material.cache, config.model, config.data)
        (from_cache,) = Batches(cached, [0, 1, 2], material.targets, 3, seed=seed)
    without = make_config(**{"data.cache": ""})
    with load_material(without, learnable(without), tmp_path) as material:
        assert material.pool is not None
        decoded = DecodedFrames(material.requests, material.pool, config.model, config.data)
        (anew,) = Batches(decoded, [0, 1, 2], material.targets, 3, seed=seed)
        (again,) = Batches(decoded, [0, 1, 2], material.targets, 3, seed=seed)

    assert from_cache.crops is not None
    assert anew.crops is not None
    assert again.crops is not None
    assert torch.equal(anew.crops, again.crops)
    assert torch.equal(anew.valid, from_cache.valid)
    if seed is None:
        assert torch.equal(anew.crops, from_cache.crops)
        torch.testing.assert_close(anew.times_s, from_cache.times_s)
    else:
        assert not torch.equal(anew.crops, from_cache.crops)

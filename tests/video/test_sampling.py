from __future__ import annotations

import numpy as np
import pytest

from adaframe.config import Sampling
from adaframe.video.sampling import Plan, plan_windows, to_key_frames


def times(frames: int, fps: float = 10.0) -> np.ndarray:
    return np.arange(frames) / fps


def test_the_middle_frame_of_each_segment_is_taken_without_windows() -> None:
    plan = plan_windows(times(40), Sampling(frames=4))

    assert plan.indices.tolist() == [[5, 15, 25, 35]]
    assert plan.valid.all()
    assert (plan.start_s[0], plan.end_s[0]) == (0.0, 4.0)


def test_a_file_with_fewer_frames_than_asked_for_gives_each_once() -> None:
    plan = plan_windows(times(3), Sampling(frames=5))

    assert plan.indices.tolist() == [[0, 1, 2, 2, 2]]
    assert plan.valid.tolist() == [[True, True, True, False, False]]


def test_windows_are_spread_evenly_and_end_with_the_video() -> None:
    plan = plan_windows(times(53), Sampling(frames=4, window_s=2.0))

    assert plan.start_s.tolist() == pytest.approx([0.0, 1.65, 3.3])
    assert plan.end_s[-1] == pytest.approx(5.3)
    # Window 0: targets at 0.25, 0.75, 1.25 and 1.75 s, between two frames each.
    assert np.abs(times(53)[plan.indices[0]] - [0.25, 0.75, 1.25, 1.75]).max() < 0.051


def test_frames_are_chosen_by_time_where_their_rate_varies() -> None:
    # Ten frames in the first second, then one each second.
    stamps = np.concatenate([np.arange(10) / 10, [1.0, 2.0, 3.0]])

    plan = plan_windows(stamps, Sampling(frames=4, window_s=4.0), duration_s=4.0)

    assert stamps[plan.indices[0][:3]].tolist() == pytest.approx([0.5, 1.0, 2.0], abs=0.51)
    assert plan.valid[0].tolist() == [True, True, True, True]
    assert plan.indices[0].tolist() == sorted(set(plan.indices[0].tolist()))


def test_a_clip_shorter_than_its_window_starts_it_and_the_rest_is_not_valid() -> None:
    plan = plan_windows(times(10), Sampling(frames=8, window_s=2.0))

    assert plan.start_s.tolist() == [0.0]
    assert plan.end_s.tolist() == [1.0]
    assert plan.valid[0].tolist() == [True] * 4 + [False] * 4
    assert plan.indices[0, 4:].tolist() == [plan.indices[0, 3]] * 4


def test_a_frame_is_valid_once_where_the_rate_is_too_low() -> None:
    plan = plan_windows(times(4, fps=2.0), Sampling(frames=16, window_s=2.0))

    assert plan.indices[0, :4].tolist() == [0, 1, 2, 3]
    assert plan.valid[0].sum() == 4


def test_one_frame_is_enough() -> None:
    plan = plan_windows([0.0], Sampling(frames=3, window_s=2.0), duration_s=0.01)

    assert plan.valid.tolist() == [[True, False, False]]


def test_a_single_window_lies_in_the_middle() -> None:
    plan = plan_windows(times(28), Sampling(frames=4, window_s=2.0))

    assert plan.start_s.tolist() == pytest.approx([0.4])


def test_a_stride_makes_windows_overlap() -> None:
    plan = plan_windows(times(60), Sampling(frames=4, window_s=2.0), stride_s=1.0)

    assert plan.start_s.tolist() == pytest.approx([0, 1, 2, 3, 4])


def test_window_length_overrides_the_samplings() -> None:
    assert len(plan_windows(times(60), Sampling(frames=4, window_s=2.0), window_s=3.0).indices) == 2
    assert len(plan_windows(times(60), Sampling(frames=4), window_s=1.0).indices) == 6


@pytest.mark.parametrize("window_s", [None, 1.0, 2.0])
def test_a_segment_of_a_file_gives_only_its_own_frames(window_s: float | None) -> None:
    plan = plan_windows(times(100), Sampling(frames=8, window_s=window_s), start_s=3.0, end_s=5.0)

    assert plan.indices.min() >= 30
    assert plan.indices.max() < 50
    assert plan.start_s[0] == 3.0
    assert plan.end_s[-1] == 5.0


def test_random_choices_repeat_with_the_seed_and_stay_in_their_segments() -> None:
    def draw(seed: int) -> list[int]:
        plan = plan_windows(times(160), Sampling(frames=16), rng=np.random.default_rng(seed))
        return [int(i) for i in plan.indices[0]]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)
    assert [i // 10 for i in draw(3)] == list(range(16))


def test_training_takes_one_window_at_a_random_place() -> None:
    plans = [
        plan_windows(times(100), Sampling(frames=4, window_s=2.0), rng=np.random.default_rng(seed), one_window=True)
        for seed in range(40)
    ]

    starts = np.array([plan.start_s[0] for plan in plans])
    assert all(len(plan.indices) == 1 for plan in plans)
    assert starts.min() >= 0.0
    assert starts.max() <= 8.0
    assert starts.std() > 1.0


def test_no_more_windows_than_frames_where_time_stamps_jump() -> None:
    plan = plan_windows([0.0, 0.1, 1e7], Sampling(frames=4, window_s=2.0))

    assert len(plan.indices) <= 3


@pytest.mark.parametrize(("start_s", "end_s"), [(5.0, None), (1.0, 1.0), (2.0, 1.0)])
def test_an_empty_clip_is_refused(start_s: float, end_s: float | None) -> None:
    with pytest.raises(ValueError, match="empty"):
        plan_windows(times(40), Sampling(frames=4), start_s=start_s, end_s=end_s)


def test_frames_move_to_the_nearest_key_frames_of_their_window() -> None:
    # Ten frames a second; frames 5, 15, 25 and 35 are sampled, and every fourth frame is a key frame.
    plan = to_key_frames(plan_windows(times(40), Sampling(frames=4)), times(40), np.arange(0, 40, 4))

    assert plan.indices.tolist() == [[4, 16, 24, 36]]
    assert plan.valid.all()


def test_a_key_frame_is_valid_once() -> None:
    # Frames 2, 7, 12, 17, 22, 27, 32 and 37 are sampled; each key frame is the nearest one of two of them.
    plan = to_key_frames(plan_windows(times(40), Sampling(frames=8)), times(40), np.array([5, 15, 25, 35]))

    assert plan.indices.tolist() == [[5, 15, 25, 35, 35, 35, 35, 35]]
    assert plan.valid.tolist() == [[True] * 4 + [False] * 4]


def test_a_window_with_too_few_key_frames_keeps_its_frames() -> None:
    exact = plan_windows(times(80), Sampling(frames=4, window_s=4.0))

    # One key frame in the first window, two in the second one.
    plan = to_key_frames(exact, times(80), np.array([0, 40, 60]))

    assert plan.indices[0].tolist() == exact.indices[0].tolist()
    assert plan.indices[1].tolist() == [40, 60, 60, 60]
    assert plan.valid.tolist() == [[True] * 4, [True, True, False, False]]


def test_key_frames_outside_of_the_clip_are_not_taken() -> None:
    exact = plan_windows(times(40), Sampling(frames=2), start_s=1.0, end_s=3.0)

    # Frames 9 and 30 are nearest to those sampled, 15 and 25, but lie outside.
    plan = to_key_frames(exact, times(40), np.array([0, 9, 18, 30]))

    assert exact.indices.tolist() == [[15, 25]]
    assert plan.indices.tolist() == [[18, 18]]
    assert plan.valid.tolist() == [[True, False]]


def test_without_key_frames_the_plan_stays() -> None:
    exact: Plan = plan_windows(times(40), Sampling(frames=4))

    assert to_key_frames(exact, times(40), np.zeros(0, np.int64)).indices.tolist() == exact.indices.tolist()


def test_clips_shift_the_frames_within_their_segments_without_windows() -> None:
    plan = plan_windows(times(40), Sampling(frames=4), clips=2)

    # Segments of ten frames: a quarter and three quarters into each, around the middle that one clip takes.
    assert plan.indices.tolist() == [[2, 12, 22, 32], [7, 17, 27, 37]]
    one = plan_windows(times(40), Sampling(frames=4), clips=1)
    assert one.indices.tolist() == plan_windows(times(40), Sampling(frames=4)).indices.tolist()


def test_clips_are_windows_in_the_middles_of_equal_parts() -> None:
    plan = plan_windows(times(100), Sampling(frames=4, window_s=2.0), clips=4)

    # 8 s of room for where a window of 2 s starts, in four parts.
    assert plan.start_s.tolist() == pytest.approx([1.0, 3.0, 5.0, 7.0])
    assert plan_windows(times(100), Sampling(frames=4, window_s=2.0), clips=1).start_s.tolist() == [4.0]


def test_more_clips_than_a_file_holds_overlap() -> None:
    plan = plan_windows(times(30), Sampling(frames=4, window_s=2.0), clips=5)

    assert plan.start_s.tolist() == pytest.approx([0.1, 0.3, 0.5, 0.7, 0.9])
    assert plan.end_s[-1] <= 3.0


@pytest.mark.parametrize("window_s", [None, 2.0])
def test_clips_that_would_repeat_one_are_left_out(window_s: float | None) -> None:
    plan = plan_windows(times(4), Sampling(frames=8, window_s=window_s), clips=3)

    assert len(plan.indices) == 1
    assert plan.valid.any()


def test_a_short_clip_may_show_its_last_frame_again() -> None:
    whole = plan_windows(times(3), Sampling(frames=5, short="repeat"))
    window = plan_windows(times(3), Sampling(frames=5, window_s=1.0, short="repeat"))

    assert whole.indices.tolist() == [[0, 1, 2, 2, 2]]
    assert window.indices.tolist() == [[1, 2, 2, 2, 2]]
    assert whole.valid.all()
    assert window.valid.all()


def test_training_frames_may_lie_in_whole_steps() -> None:
    sampling = Sampling(frames=4, draw="steps")
    drawn = np.array([plan_windows(times(11), sampling, rng=np.random.default_rng(n)).indices[0] for n in range(50)])

    # 11 // 4 = 2: the last three frames are left out.
    assert drawn.min(axis=0).tolist() == [0, 2, 4, 6]
    assert drawn.max(axis=0).tolist() == [1, 3, 5, 7]
    assert plan_windows(times(11), sampling).indices.tolist() == plan_windows(times(11), Sampling(4)).indices.tolist()

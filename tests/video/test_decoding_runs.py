from __future__ import annotations

import numpy as np

from adaframe.video.decoding_runs import DecodingRun, plan_runs

KEYS = np.array([0, 100, 200, 300])


def test_decoding_begins_at_the_last_key_frame_before_a_wanted_frame() -> None:
    assert plan_runs(KEYS, [105, 350], indexed=False) == [DecodingRun((105,), 100), DecodingRun((350,), 300)]


def test_frames_of_one_group_are_one_run() -> None:
    assert plan_runs(KEYS, [3, 50, 210, 220, 299], indexed=False) == [
        DecodingRun((3, 50)),
        DecodingRun((210, 220, 299), 200),
    ]


def test_a_key_frame_right_behind_a_wanted_frame_begins_nothing_new() -> None:
    assert plan_runs(KEYS, [99, 101, 199, 200], indexed=True) == [DecodingRun((99, 101, 199, 200))]


def test_a_seek_pays_only_over_many_packets_of_a_file_with_an_index() -> None:
    assert [run.seek for run in plan_runs(KEYS, [95, 150, 250], indexed=True)] == [False, False, True]
    assert not any(run.seek for run in plan_runs(KEYS, [95, 150, 250], indexed=False))


def test_decoding_begins_key_frames_earlier_where_told_to() -> None:
    assert plan_runs(KEYS, [105, 350], indexed=False, ahead=1) == [DecodingRun((105,)), DecodingRun((350,), 200)]
    assert plan_runs(KEYS, [205, 350], indexed=False, ahead=1) == [DecodingRun((205, 350), 100)]


def test_a_file_without_key_frames_is_one_run_from_its_start() -> None:
    assert plan_runs(np.zeros(0, np.int64), [7, 900], indexed=True) == [DecodingRun((7, 900))]

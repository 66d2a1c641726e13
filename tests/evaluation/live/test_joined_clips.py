"""What a stream of joined clips is."""

from __future__ import annotations

import itertools
from pathlib import Path

from adaframe.data.clips import Clip
from adaframe.evaluation.live.joined_clips import joined, stretches, within


def test_true_events_are_unbroken_stretches_of_the_label() -> None:
    labels, ends_s = ["no", "yes", "yes", "no", "yes"], [2.0, 4.0, 5.0, 7.0, 9.0]

    assert stretches(labels, ends_s, "yes") == [(2.0, 5.0), (7.0, 9.0)]
    assert stretches(labels, ends_s, "never") == []


def test_events_within_clips_are_where_the_stream_has_them() -> None:
    clips = [Clip("a.mp4", ("no",)), Clip("b.mp4", ("yes",)), Clip("c.mp4", ("yes",), start_s=10.0, end_s=14.0)]
    events = {str(Path(name).absolute()): (11.0, 12.0) for name in ("a.mp4", "b.mp4", "c.mp4")}

    assert within(clips, [20.0, 50.0, 54.0], events, "yes") == [(31.0, 32.0), (51.0, 52.0)]


def test_scenes_are_of_one_group_and_label_and_keep_all_clips() -> None:
    clips = [Clip(f"{g}{k}{n}", (k,), group=g) for g in "ab" for k in ("yes", "no") for n in range(5)]

    order = joined(clips, scene=2, seed=0)

    assert sorted(c.path for c in order) == sorted(c.path for c in clips)
    runs = [len(list(run)) for _, run in itertools.groupby(order, lambda c: (c.group, c.labels))]
    assert sum(runs) == 20
    assert len(runs) >= 6  # else nothing was shuffled: there would be four
    assert joined(clips, scene=2, seed=0) == order
    assert joined(clips, scene=2, seed=1) != order

"""Two steps over a clip add up to its windows, in their order."""

from __future__ import annotations

import numpy as np

from adaframe.video.clip_frames import ClipFrames, Scan, merged_frames


def of_windows(starts: list[float], shade: int, *warnings: str, scan: Scan | None = None) -> ClipFrames:
    """Windows of one frame of two by two pixels."""
    n = len(starts)
    return ClipFrames(
        path="a.mp4",
        images=np.full((n, 1, 2, 2, 3), shade, np.uint8),
        times_s=np.array(starts)[:, None],
        indices=np.full((n, 1), shade, np.int64),
        valid=np.ones((n, 1), np.bool_),
        start_s=np.array(starts),
        end_s=np.array(starts) + 1,
        windows_total=5,
        decode_s=0.5,
        warnings=warnings,
        reader="pyav",
        scan=scan,
    )


def test_windows_of_the_second_step_take_the_place_of_the_firsts() -> None:
    scan = Scan(np.array([0, 2, 4]), np.array([True, True, False]), (1, 3))
    first = of_windows([0.0, 2.0, 4.0], 1, "odd", scan=scan)
    second = of_windows([1.0, 2.0, 3.0], 2, "odd", "late")

    both, order = merged_frames(first, second)

    assert both.start_s.tolist() == both.times_s[:, 0].tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert both.indices[:, 0].tolist() == both.images[:, 0, 0, 0, 0].tolist() == [1, 2, 2, 2, 1]
    assert order.tolist() == [0, 3, 4, 5, 2]
    assert (both.decode_s, both.warnings, both.scan) == (1.0, ("odd", "late"), None)


def test_pictures_that_were_given_up_do_not_come_back() -> None:
    first = of_windows([0.0, 1.0], 1)
    bare = ClipFrames(**{**first.__dict__, "images": first.images[:0]})

    both, _ = merged_frames(bare, of_windows([1.0], 2))

    assert both.indices[:, 0].tolist() == [1, 2]
    assert len(both.images) == 0

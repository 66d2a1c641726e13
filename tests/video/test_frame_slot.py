"""The place for the newest frame."""

from __future__ import annotations

import threading

from adaframe.video.capture_status import CaptureStatus
from adaframe.video.frame_slot import Captured, FrameSlot


def frame(number: int) -> Captured:
    return Captured(lambda: None, number, 0.0, 0.0, 0.0)


def taken(slot: FrameSlot) -> int | None:
    held = slot.take()
    return None if held is None else held.number


def test_a_newer_frame_replaces_one_that_nobody_took_which_counts_as_dropped() -> None:
    status, announced = CaptureStatus(), []
    slot = FrameSlot(status, lambda: announced.append(1), keep=False)

    for number in range(3):
        slot.put(frame(number))

    assert len(announced) == 1
    assert taken(slot) == 2
    assert status.dropped == 2
    assert taken(slot) is None


def test_a_frame_that_had_to_wait_for_room_gives_way_to_a_newer_one_which_counts_as_dropped() -> None:
    status = CaptureStatus()
    slot = FrameSlot(status, lambda: None, keep=False)
    first, second = frame(0), frame(1)
    slot.put(first)
    waited = slot.take()

    again = slot.take(waited)
    slot.put(second)
    newer = slot.take(again)

    assert (again, newer) == (first, second)
    assert status.dropped == 1


def test_where_no_frame_may_be_lost_one_that_had_to_wait_comes_first() -> None:
    status = CaptureStatus()
    slot = FrameSlot(status, lambda: None, keep=True)
    first, second = frame(0), frame(1)
    slot.put(first)
    waited = slot.take()
    slot.put(second)

    assert (slot.take(waited), slot.take()) == (first, second)
    assert status.dropped == 0


def test_every_frame_that_follows_an_empty_slot_is_announced() -> None:
    announced: list[int] = []
    slot = FrameSlot(CaptureStatus(), lambda: announced.append(1), keep=False)

    slot.put(frame(0))
    slot.take()
    slot.put(frame(1))
    slot.clear()
    slot.put(frame(2))

    assert len(announced) == 3
    assert taken(slot) == 2


def test_a_frame_from_before_a_loss_is_never_handed_out() -> None:
    slot = FrameSlot(CaptureStatus(), lambda: None, keep=False)
    slot.put(frame(0))

    slot.clear()

    assert taken(slot) is None


def test_a_slot_that_keeps_frames_makes_the_next_one_wait() -> None:
    status, got = CaptureStatus(), []
    there = threading.Semaphore(0)
    slot = FrameSlot(status, there.release, keep=True)
    putting = threading.Thread(target=lambda: [slot.put(frame(number)) for number in range(5)])

    putting.start()
    while len(got) < 5:
        assert there.acquire(timeout=5)
        got.append(taken(slot))
    putting.join()

    assert got == [0, 1, 2, 3, 4]
    assert status.dropped == 0

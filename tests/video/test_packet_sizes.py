"""Sizes of packets: what is taken for something that begins to move."""

from __future__ import annotations

from adaframe.video.packet_sizes import PacketSizes


def test_sizes_of_what_moved_are_not_taken_for_those_of_a_still_scene() -> None:
    sizes = PacketSizes()
    for size in [2000] * 50:
        sizes.grow(size, still=False)
    for _ in range(20):
        assert not sizes.grow(100, still=True)

    assert sizes.grow(400, still=True)


def test_a_clock_in_the_picture_that_ticks_wakes_no_longer_once_it_is_known() -> None:
    sizes = PacketSizes()
    ticks = [400 if n % 25 == 0 else 100 for n in range(1, 200)]

    woken = [sizes.grow(size, still=True) for size in ticks]

    assert 1 <= sum(woken[:50]) <= 8  # packets
    assert not any(woken[50:])

"""Batches made in the background: the same, in order, bounded, and nothing left behind."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest
import torch

from adaframe.training.feeding.batch import Batch
from adaframe.training.feeding.prefetch import Prefetched


def batch(number: int, *, size: int = 8) -> Batch:
    return Batch(
        crops=torch.full((1, 1, 1, 1, size), number, dtype=torch.uint8),
        features=None,
        valid=torch.ones(1, 1, dtype=torch.bool),
        times_s=torch.zeros(1, 1),
        targets=torch.zeros(1, 2),
        clips=torch.tensor([number]),
    )


class Making:
    """Batches 0, 1, …, of which it counts those begun; one may fail, or take until it is let go."""

    def __init__(self, batches: int, *, size: int = 8, fails: int = -1, holds: int = -1) -> None:
        self.batches, self.size, self.fails, self.holds = batches, size, fails, holds
        self.begun, self.given_up = 0, False
        self.go_on = threading.Event()

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[Batch]:
        try:
            for number in range(self.batches):
                self.begun += 1
                if number == self.holds:
                    self.go_on.wait(20)
                if number == self.fails:
                    raise ValueError("broken")
                yield batch(number, size=self.size)
        finally:
            self.given_up = True


def numbers(batches: Prefetched) -> list[int]:
    return [int(b.clips[0]) for b in batches]


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "batches"]


def settled(making: Making) -> int:
    """How many are begun when no more are."""
    before = -1
    while making.begun != before:
        before = making.begun
        time.sleep(0.1)
    return before


def test_batches_come_in_order_and_once_each_pass() -> None:
    prefetched = Prefetched(Making(20), ahead=3)

    first, second = numbers(prefetched), numbers(prefetched)

    assert first == second == list(range(20))
    assert len(prefetched) == 20
    assert threads() == []


def test_at_most_so_many_wait() -> None:
    making = Making(20)
    prefetched = Prefetched(making, ahead=3)
    batches = iter(prefetched)

    assert settled(making) == 3
    next(batches)
    assert settled(making) == 4
    prefetched.close()


def test_large_batches_wait_in_smaller_numbers() -> None:
    making = Making(20, size=1000)
    prefetched = Prefetched(making, ahead=10, most_bytes=2000)
    prefetched.start()

    # One leaves room for another, two do not for a third.
    assert settled(making) == 2
    prefetched.close()


def test_one_batch_is_made_however_large_it_is() -> None:
    assert numbers(Prefetched(Making(3, size=1000), most_bytes=1)) == [0, 1, 2]


def test_an_error_is_raised_where_its_batch_would_have_come() -> None:
    prefetched = Prefetched(Making(5, fails=2), ahead=4)
    batches = iter(prefetched)

    met = [int(next(batches).clips[0]) for _ in range(2)]
    with pytest.raises(ValueError, match="broken"):
        next(batches)

    assert met == [0, 1]
    prefetched.close()
    assert threads() == []


@pytest.mark.parametrize("taken", [0, 1, 2])
def test_closing_half_way_ends_the_thread_and_gives_up_what_was_begun(taken: int) -> None:
    making = Making(1000)
    prefetched = Prefetched(making)
    batches = iter(prefetched)
    for _ in range(taken):
        next(batches)

    prefetched.close()

    assert threads() == []
    assert making.given_up
    assert making.begun < 10


def test_closing_does_not_wait_for_a_batch_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adaframe.training.feeding.prefetch.PATIENCE_S", 0.1)
    making = Making(3, holds=0)
    prefetched = Prefetched(making)
    prefetched.start()

    began = time.monotonic()
    prefetched.close()
    took = time.monotonic() - began
    making.go_on.set()

    assert took < 5
    for thread in threads():
        thread.join(5)
    assert threads() == []


def test_lightning_may_ask_for_the_iterator_twice_before_it_begins() -> None:
    making = Making(4)
    prefetched = Prefetched(making)

    iter(prefetched)
    got = numbers(prefetched)

    assert got == [0, 1, 2, 3]
    assert making.begun == 4


def test_the_share_of_waiting_is_that_of_the_time_until_the_last_batch_was_worked_on() -> None:
    slow = Making(4, holds=0)
    prefetched = Prefetched(slow)
    threading.Timer(0.3, slow.go_on.set).start()
    for _ in prefetched:
        time.sleep(0.1)
        prefetched.worked()
    fast = Prefetched(Making(4))
    for _ in fast:
        time.sleep(0.05)
        fast.worked()

    # 0.3 s of waiting beside 0.4 s of work.
    assert 0.25 < prefetched.waiting < 0.6
    assert fast.waiting < 0.1


def test_what_is_begun_in_advance_is_not_waited_for() -> None:
    prefetched = Prefetched(Making(3))
    prefetched.start()
    time.sleep(0.1)

    assert numbers(prefetched) == [0, 1, 2]
    assert prefetched.waited_s < 0.05


def test_bytes_of_a_batch_are_those_of_all_that_it_holds() -> None:
    assert batch(0, size=1000).nbytes == 1000 + 1 + 4 + 8 + 8

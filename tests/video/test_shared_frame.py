"""Shared memory for one frame."""

from __future__ import annotations

import os
from multiprocessing.shared_memory import SharedMemory
from types import SimpleNamespace

import pytest

from adaframe.errors import AdaframeError
from adaframe.video.shared_frame import SharedFrame


def test_a_copy_stays_when_the_block_changes_grows_and_goes() -> None:
    block = SharedFrame()
    block.grow(6)
    theirs = SharedMemory(block.name)
    theirs.buf[:6] = bytes(range(6))

    copy = block.copy((1, 2, 3))
    theirs.buf[0] = 9
    theirs.close()
    block.grow(12)
    block.close()

    assert copy.tolist() == [[[0, 1, 2], [3, 4, 5]]]


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="only Linux gives memory that it does not have")
def test_too_little_shared_memory_is_told_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_bavail=2, f_frsize=4096))

    with pytest.raises(AdaframeError, match=r"no room for a frame of 6\.2 MB"):
        SharedFrame().grow(1920 * 1080 * 3)

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
import video_pool_tasks as tasks

from adaframe.config import Preprocess, Sampling
from adaframe.errors import DecoderFailure, UnreadableVideo
from adaframe.video.clip import ClipRequest, read_clip
from adaframe.video.pool import DecodeFuture, DecodePool

Render = Callable[..., Path]


@pytest.fixture(scope="module")
def pool() -> Iterator[DecodePool]:
    with DecodePool(workers=2, timeout_s=1.5, memory_gb=1.0) as pool:
        yield pool


def test_a_clip_is_read_in_a_child(pool: DecodePool, render: Render) -> None:
    request = ClipRequest(str(render(frames=20)), Sampling(frames=4), Preprocess(resize=32, crop=24))

    got = pool.submit(read_clip, request).result()

    assert (got.images == read_clip(request).images).all()
    assert pool.submit(tasks.process, "x").result() != os.getpid()


def test_errors_of_a_file_come_back_as_they_are(pool: DecodePool, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing.mp4")

    with pytest.raises(UnreadableVideo, match="no such file") as error:
        pool.submit(read_clip, ClipRequest(missing, Sampling(), Preprocess())).result()
    assert error.value.where == missing


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (tasks.crash, "crashed .SIGABRT."),
        (tasks.hang, "longer than 1.5 s"),
        (tasks.swell, "more than 1 GB of memory"),
        (tasks.fail, "KeyError"),
    ],
)
def test_what_goes_wrong_names_its_file_and_costs_only_it(pool: DecodePool, task: Callable, says: str) -> None:
    bad = pool.submit(task, "bad.mp4")
    others = [pool.submit(tasks.echo, f"{i}.mp4") for i in range(4)]

    with pytest.raises(DecoderFailure, match=rf"^bad\.mp4: .*{says}"):
        bad.result()
    assert [other.result() for other in others] == [f"{i}.mp4" for i in range(4)]


def test_map_keeps_the_order_and_gives_errors_as_values(pool: DecodePool) -> None:
    results = list(pool.map(tasks.crash_at_c, "abcde"))

    assert isinstance(results[2], DecoderFailure)
    assert results[:2] + results[3:] == ["a", "b", "d", "e"]


def test_map_looks_ahead_no_further_than_told(pool: DecodePool) -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(len(taken))
            yield str(taken[-1])

    results = pool.map(tasks.echo, endless(), ahead=3)

    assert [next(results) for _ in range(2)] == ["0", "1"]
    assert len(taken) == 5
    results.close()  # type: ignore[attr-defined]


def test_a_future_says_whether_one_would_wait_for_it(pool: DecodePool) -> None:
    waiting, done = pool.submit(tasks.hang, "x"), pool.submit(tasks.echo, "y")

    done.result()

    assert done.done()
    assert not waiting.done()
    waiting.cancel()


def test_children_do_not_import_torch(pool: DecodePool) -> None:
    loaded = pool.submit(tasks.modules, "x").result()

    assert "adaframe.video.clip" in loaded
    assert not {"torch", "cv2", "pytorch_lightning", "torchvision", "decord"} & set(loaded)


def test_a_child_that_dies_between_tasks_is_replaced() -> None:
    with DecodePool(workers=1) as pool:
        os.kill(pool.submit(tasks.process, "x").result(), signal.SIGKILL)
        time.sleep(0.5)

        assert pool.submit(tasks.echo, "a.mp4").result() == "a.mp4"


def test_a_task_that_a_broken_pool_has_forgotten_is_started_anew(pool: DecodePool) -> None:
    class Broken:
        active = False

    starts = [(Future(), Broken()), pool._schedule(os.path.basename, ("a/b.mp4",))]
    forgotten: DecodeFuture[str] = DecodeFuture(lambda: starts.pop(0), "b.mp4", 5.0, 1.0)

    pool.wait([forgotten])

    assert forgotten.result() == "b.mp4"


def test_closing_ends_the_children() -> None:
    with DecodePool(workers=1) as pool:
        child = pool.submit(tasks.process, "x").result()
        pool.submit(tasks.hang, "y")

    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


SCRIPT = """
print("main module runs", flush=True)
import sys
sys.path.insert(0, {here!r})
import video_pool_tasks as tasks
from adaframe.video import DecodePool
with DecodePool(workers=2) as pool:
    print("answer", pool.submit(tasks.echo, "a.mp4").result(), flush=True)
    print("child", pool.submit(tasks.process, "a.mp4").result(), flush=True)
    {then}
"""


def script(tmp_path: Path, then: str = "pass") -> list[str]:
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.format(here=str(Path(__file__).parent), then=then))
    return [sys.executable, str(path)]


def test_a_script_without_a_main_guard_works(tmp_path: Path) -> None:
    done = subprocess.run(script(tmp_path), capture_output=True, text=True, timeout=60, check=False)

    assert done.stderr == ""
    assert done.returncode == 0
    assert done.stdout.count("main module runs") == 1
    assert "answer a.mp4" in done.stdout


def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(script(tmp_path, "import time; time.sleep(60)"), stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = next(int(line.split()[1]) for line in parent.stdout if line.startswith("child"))
        os.kill(child, 0)
        parent.kill()

    deadline = time.monotonic() + 5
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not _runs(child)


def test_an_interrupt_is_the_parents_alone(tmp_path: Path) -> None:
    waits = "pool.submit(tasks.hang, 'b.mp4').result()"
    with subprocess.Popen(
        script(tmp_path, waits),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # What a shell runs in the background ignores Ctrl-C, and so would this child.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as parent:
        assert parent.stdout is not None
        assert parent.stderr is not None
        next(line for line in parent.stdout if line.startswith("child"))
        time.sleep(0.3)
        os.killpg(parent.pid, signal.SIGINT)
        stderr = parent.stderr.read()

    assert stderr.count("KeyboardInterrupt") == 1


def _runs(pid: int) -> bool:
    """Whether a process is there and no zombie that nobody collects."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False

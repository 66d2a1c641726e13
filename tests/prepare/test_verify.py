"""Every video is opened beforehand; nothing that a file does stops the others."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.data.clips import Clip
from adaframe.prepare import verify as module
from adaframe.prepare.verify import verify

sys.path.insert(0, str(Path(__file__).parent))
import verify_tasks


def test_bad_files_cost_themselves_alone(
    render_clip: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = [str(render_clip(tmp_path / f"{name}.mp4", 0.4)) for name in ("a", "z")]
    for name, content in (("cut", b"\0" * 5000), ("empty", b""), ("crash", b"x"), ("hang", b"x")):
        (tmp_path / f"{name}.mp4").write_bytes(content)
    names = [good[0], *(str(tmp_path / f"{name}.mp4") for name in ("cut", "empty", "crash", "hang")), good[1]]
    monkeypatch.setattr(module, "look_into", verify_tasks.fail_by_name)

    result = verify([Clip(name, ("x",)) for name in names], workers=2, timeout_s=4)

    assert [clip.path for clip in result.clips] == good
    assert list(result.bad) == names[1:5]
    reasons = list(result.bad.values())
    assert "0 bytes" in reasons[1]
    assert "crashed" in reasons[2]
    assert "took longer than 4 s" in reasons[3]


def test_each_clip_of_a_file_is_looked_into(render_clip: Callable[..., Path], tmp_path: Path) -> None:
    path = str(render_clip(tmp_path / "a.mp4", 1.0))
    clips = [Clip(path, ("x",), start_s=start, end_s=end) for start, end in ((0.0, 0.5), (0.5, 9.0), (5.0, 9.0))]

    result = verify(clips, workers=1)

    assert result.clips == tuple(clips[:2])
    assert list(result.bad) == [path]
    assert "the clip from 5 s to 9 s is empty" in result.bad[path]


def test_a_file_damaged_in_part_is_kept_and_named(render_clip: Callable[..., Path], tmp_path: Path) -> None:
    whole = render_clip(tmp_path / "a.mkv", 4.0, options={})
    content = whole.read_bytes()
    whole.write_bytes(content[: len(content) * 2 // 3])

    result = verify([Clip(str(whole), ("x",))], workers=1)

    assert len(result.clips) == 1
    assert result.odd == (str(whole),)


def test_opening_does_not_import_torch() -> None:
    code = "import sys, adaframe.prepare.verify; sys.exit('torch' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

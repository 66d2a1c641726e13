from __future__ import annotations

import json
from pathlib import Path

import av
import pytest

import adaframe.needle.dataset as dataset
from adaframe.errors import DataError, UsageError
from adaframe.needle import NeedleSpec, clips, evidence, render

SPEC = NeedleSpec(frames=16, pixels=64, patch=16)


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_the_same_spec_gives_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    for name, seed in (("one", 0), ("same", 0), ("other", 1)):
        render(tmp_path / name, NeedleSpec(frames=16, pixels=64, patch=16, seed=seed), train=4, test=2, workers=2)

    one, same, other = (files(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same
    videos = [name for name in one if name.endswith(".mp4")]
    assert len(videos) == 6
    assert all(one[name] != other[name] for name in videos)


def test_classes_are_balanced_and_splits_have_a_folder_each(tmp_path: Path) -> None:
    render(tmp_path, SPEC, train=10, test=4)

    def count(split: str) -> list[int]:
        return [len(list((tmp_path / split / label).glob("*.mp4"))) for label in SPEC.labels]

    assert count("train") == [3, 3, 2, 2]
    assert count("test") == [1, 1, 1, 1]


def test_files_are_h264_of_the_size_and_speed_asked_for(tmp_path: Path) -> None:
    render(tmp_path, SPEC, train=1, test=0)

    with av.open(str(tmp_path / clips(SPEC, train=1, test=0)[0].path)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate) == (64, 64, 16)
        assert float(stream.duration * stream.time_base) == 1.0
        assert len(list(container.decode(video=0))) == 16


def test_needle_json_tells_where_the_evidence_is(tmp_path: Path) -> None:
    render(tmp_path, SPEC, train=2, test=2)

    facts = json.loads((tmp_path / "needle.json").read_text())

    assert facts["complete"] is True
    assert NeedleSpec(**facts["spec"]) == SPEC
    planned = clips(SPEC, train=2, test=2)
    assert set(facts["clips"]) == {clip.path for clip in planned}
    for clip in planned:
        told = facts["clips"][clip.path]
        assert told["label"] == SPEC.labels[clip.label] == Path(clip.path).parent.name
        assert tuple(told["evidence_frames"]) == evidence(SPEC, clip.seed)
        assert len(told["boxes"]) == len(told["evidence_frames"])


def test_a_finished_data_set_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    render(tmp_path, SPEC, train=2, test=1)
    before = files(tmp_path)

    def forbidden(*args: object) -> None:
        raise AssertionError("nothing is left to do")

    monkeypatch.setattr(dataset, "encode", forbidden)
    monkeypatch.setattr(dataset, "write_text", forbidden)
    render(tmp_path, SPEC, train=2, test=1, progress=forbidden)

    assert files(tmp_path) == before


def test_an_interrupted_rendering_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, resumed = tmp_path / "whole", tmp_path / "resumed"
    render(whole, SPEC, train=6, test=0)

    def stop(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render(resumed, SPEC, train=6, test=0, workers=1, progress=stop)
    assert json.loads((resumed / "needle.json").read_text())["complete"] is False
    there = {path: path.stat().st_mtime_ns for path in resumed.rglob("*.mp4")}
    assert 3 <= len(there) < 6

    said: list[tuple[int, int]] = []
    render(resumed, SPEC, train=6, test=0, progress=lambda done, total: said.append((done, total)))
    assert files(resumed) == files(whole)
    assert said == [(done, 6) for done in range(len(there) + 1, 7)]
    assert all(path.stat().st_mtime_ns == time for path, time in there.items())


def test_a_lost_file_is_rendered_again(tmp_path: Path) -> None:
    render(tmp_path, SPEC, train=2, test=0)
    before = files(tmp_path)
    (tmp_path / clips(SPEC, train=2, test=0)[1].path).unlink()

    render(tmp_path, SPEC, train=2, test=0)

    assert files(tmp_path) == before


def test_no_part_of_a_file_is_ever_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(*args: object, **names: object) -> None:
        raise RuntimeError("torn")

    monkeypatch.setattr("adaframe.needle.encode.av.VideoFrame.from_ndarray", torn)
    with pytest.raises(RuntimeError, match="torn"):
        render(tmp_path, SPEC, train=1, test=0, workers=1)

    assert list(files(tmp_path)) == ["needle.json"]


def test_a_folder_with_another_data_set_is_refused_and_kept(tmp_path: Path) -> None:
    render(tmp_path, SPEC, train=1, test=0)
    before = files(tmp_path)

    with pytest.raises(DataError, match=r"seed is 0, not 1.*try: another folder"):
        render(tmp_path, NeedleSpec(frames=16, pixels=64, patch=16, seed=1), train=1, test=0)
    with pytest.raises(DataError, match="train is 1, not 2"):
        render(tmp_path, SPEC, train=2, test=0)

    assert files(tmp_path) == before


def test_a_folder_with_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train" / "cats").mkdir(parents=True)
    with pytest.raises(DataError, match="there is a train already"):
        render(tmp_path, SPEC, train=1, test=0)

    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="this is a file"):
        render(tmp_path / "file", SPEC, train=1, test=0)

    (tmp_path / "broken").mkdir()
    for text in ("{", "[]", '{"spec": 3}'):
        (tmp_path / "broken" / "needle.json").write_text(text)
        with pytest.raises(DataError, match="cannot be read"):
            render(tmp_path / "broken", SPEC, train=1, test=0)


def test_negative_counts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="train -1"):
        render(tmp_path, SPEC, train=-1)

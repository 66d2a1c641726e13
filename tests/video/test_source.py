"""What a user names is told apart."""

from __future__ import annotations

from pathlib import Path

import pytest

from adaframe.errors import UnreadableVideo, UsageError
from adaframe.video.source import parse_source


@pytest.mark.parametrize(
    ("named", "kind", "address"),
    [
        (0, "webcam", "0"),
        ("1", "webcam", "1"),
        ("/dev/video2", "webcam", "2"),
        ("udp://@239.0.0.1:1234", "network", "udp://@239.0.0.1:1234"),
        ("rtsp://u:p@h/", "network", "rtsp://u:p@h/"),
    ],
)
def test_webcams_and_streams(named: str | int, kind: str, address: str) -> None:
    source = parse_source(named)

    assert (source.kind, source.address) == (kind, address)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "a.mp4"
    file.write_bytes(b"x")

    assert parse_source(str(file)).kind == "file"
    with pytest.raises(UnreadableVideo, match="no such file"):
        parse_source(str(tmp_path / "b.mp4"))
    with pytest.raises(UnreadableVideo, match="is a folder"):
        parse_source(str(tmp_path))


def test_no_password_is_in_what_a_source_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAM_PASSWORD", "hunter2")

    source = parse_source("rtsp://admin:$CAM_PASSWORD@host/live")

    assert source.name == "rtsp://admin:***@host/live"
    assert "hunter2" in source.address
    assert "hunter2" not in repr(source)


@pytest.mark.parametrize("named", ["", -1])
def test_what_is_no_source_is_wrong_usage(named: str | int) -> None:
    with pytest.raises(UsageError, match="is no source"):
        parse_source(named)

"""Where in each video its event is."""

from pathlib import Path

import pytest

from adaframe.data.event_list import event_of, read_events
from adaframe.errors import DataError


def test_events_are_found_by_the_path_of_their_video(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "events.csv").write_text("path,source,start_s,end_s\nvideos/0.mp4,clip.mp4,1.5,3.5\n")
    monkeypatch.chdir(tmp_path)

    events = read_events(tmp_path / "events.csv")

    assert event_of(events, str(tmp_path / "videos" / "0.mp4")) == (1.5, 3.5)
    assert event_of(events, "./videos/0.mp4") == (1.5, 3.5)
    with pytest.raises(DataError, match=r"1\.mp4: is not in the list"):
        event_of(events, "videos/1.mp4")


@pytest.mark.parametrize("text", ["path,label\na.mp4,run\n", "path,start_s,end_s\na.mp4,soon,2\n", None])
def test_what_is_no_list_of_events_is_refused(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "events.csv").write_text(text)

    with pytest.raises(DataError, match="is no list of events"):
        read_events(tmp_path / "events.csv")

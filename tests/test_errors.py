"""The tree of errors: what a user can mend, with exit codes, and the way out of a decoding process."""

from __future__ import annotations

import pickle

import pytest

from adaframe import errors


def test_everything_raised_on_purpose_has_one_base() -> None:
    names = ["UsageError", "VideoError", "DataError", "CheckpointError", "MissingExtra"]
    videos = ["UnreadableVideo", "NoVideoStream", "EncryptedVideo", "DecoderFailure"]

    assert all(getattr(errors, name).__base__ is errors.AdaframeError for name in names)
    assert all(getattr(errors, name).__base__ is errors.VideoError for name in videos)


def test_wrong_usage_is_exit_code_2_and_the_rest_1() -> None:
    assert errors.UsageError("x").exit_code == 2
    assert [kind.exit_code for kind in (errors.DataError, errors.VideoError, errors.CheckpointError)] == [1, 1, 1]


def test_a_video_error_says_where_what_and_what_to_try() -> None:
    assert str(errors.UnreadableVideo("a.mp4", "is empty")) == "a.mp4: is empty"
    assert str(errors.UnreadableVideo("a.mp4", "is empty", "ffprobe a.mp4")) == "a.mp4: is empty; try: ffprobe a.mp4"


@pytest.mark.parametrize("kind", [errors.VideoError, errors.DecoderFailure])
def test_a_video_error_keeps_its_parts_on_the_way_out_of_another_process(kind: type[errors.VideoError]) -> None:
    back = pickle.loads(pickle.dumps(kind("a.mp4", "crashed", "another file")))

    assert (type(back), back.where, back.what, back.hint) == (kind, "a.mp4", "crashed", "another file")

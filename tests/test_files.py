"""Files are written whole or not at all."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from adaframe.errors import AdaframeError
from adaframe.files import atomic_path, write_text


def test_a_file_appears_whole_with_its_parent_folders(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.txt"

    write_text(path, "glance – look\r\n")

    assert path.read_bytes() == "glance – look\r\n".encode()
    assert os.listdir(path.parent) == ["a.txt"]


def test_the_temporary_name_is_a_sibling_with_the_same_suffix(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"

    with atomic_path(path) as temporary:
        temporary.write_bytes(b"png")
        assert (temporary.parent, temporary.suffix) == (tmp_path, ".png")
        assert not path.exists()

    assert path.read_bytes() == b"png"


def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("old")

    with pytest.raises(RuntimeError, match="half way"), atomic_path(path) as temporary:  # noqa: PT012
        temporary.write_text("ne")
        raise RuntimeError("half way")

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_full_disk_is_an_error_that_says_where_what_and_what_to_try(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    message = r"a\.txt: cannot be written \(No space left.*\); try: free"

    with pytest.raises(AdaframeError, match=message), atomic_path(path) as temporary:  # noqa: PT012
        temporary.write_text("ne")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    assert os.listdir(tmp_path) == []


def test_a_part_of_the_path_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(AdaframeError, match=r"a\.txt: cannot be written .*; try: choose another folder"):
        write_text(tmp_path / "file" / "a.txt", "text")


def test_a_folder_of_that_name_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()

    with pytest.raises(AdaframeError, match="try: name a file, not a folder"):
        write_text(tmp_path / "a.txt", "text")

    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_of_somebody_else_is_said(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    with pytest.raises(AdaframeError, match="try: write to a folder that is yours"):
        write_text(tmp_path / "a.txt", "text")


def test_an_error_about_another_file_is_not_taken_for_one_of_this_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="elsewhere"), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "elsewhere.txt").read_text()


def test_a_link_is_followed(tmp_path: Path) -> None:
    real = tmp_path / "real.txt"
    real.write_text("old")
    (tmp_path / "link.txt").symlink_to(real)

    write_text(tmp_path / "link.txt", "new")

    assert (tmp_path / "link.txt").is_symlink()
    assert real.read_text() == "new"


@pytest.mark.skipif(not Path("/dev/null").is_char_device(), reason="there is no /dev/null here")
def test_a_device_is_written_to_and_not_replaced() -> None:
    write_text(Path("/dev/null"), "text")

    assert Path("/dev/null").is_char_device()

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from adaframe.errors import EncryptedVideo
from adaframe.video.facts import probe
from adaframe.video.protection import is_encrypted

Render = Callable[..., Path]


def test_a_protected_mp4_is_told_apart(render: Render) -> None:
    path = render()
    clear = path.read_bytes()
    assert not is_encrypted(str(path))

    path.write_bytes(clear.replace(b"avc1\0\0\0\0\0\0", b"encv\0\0\0\0\0\0"))

    with pytest.raises(EncryptedVideo, match="encrypted"):
        probe(path)


def element(name: int, content: bytes) -> bytes:
    return name.to_bytes((name.bit_length() + 7) // 8, "big") + bytes([0x80 | len(content)]) + content


@pytest.mark.parametrize(("kind", "protected"), [(b"\x01", True), (b"\x02", False)])
def test_a_protected_matroska_track_counts_where_it_is_the_picture(
    tmp_path: Path, kind: bytes, protected: bool
) -> None:
    encoding = element(0x6D80, element(0x6240, element(0x5035, b"")))
    track = element(0xAE, element(0x83, kind) + encoding)
    path = tmp_path / "a.webm"
    path.write_bytes(element(0x1A45DFA3, b"") + element(0x18538067, element(0x1654AE6B, track)))

    assert is_encrypted(str(path)) is protected


@pytest.mark.parametrize(
    "content", [b"\0", b"\x1a\x45\xdf\xa3", b"\x1a\x45\xdf\xa3\0\0\0\0", b"\0\0\0\1moov" + b"\xff" * 8]
)
def test_nonsense_is_not_protected(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)

    assert not is_encrypted(str(path))

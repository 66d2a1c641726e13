"""Whether a file's picture is encrypted, read from the boxes of the container.

Decoders do not say: they return garbage for an encrypted file, or errors that look like damage.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator

Bytes = mmap.mmap

_PROTECTED_ENTRIES = (b"encv", b"drmi")  # ISO common encryption; the older FairPlay
_EBML = b"\x1a\x45\xdf\xa3"
_SEGMENT, _CLUSTER, _TRACKS, _TRACK = 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE
_TRACK_TYPE, _ENCODINGS, _ENCODING, _ENCRYPTION = 0x83, 0x6D80, 0x6240, 0x5035


def is_encrypted(path: str) -> bool:
    """True where a video track of an MP4/MOV or Matroska/WebM file (not an empty one) is declared as encrypted."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:4] == _EBML:
            return _matroska_is_encrypted(data)
        return _mp4_is_encrypted(data)


def lacks_index(path: str) -> bool:
    """True for an MP4/MOV without its index (moov): cut off, or still being written."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        kinds = [kind for kind, _, _ in _boxes(data, 0, len(data))]
    return kinds[:1] == [b"ftyp"] and b"moov" not in kinds


def _boxes(data: Bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of the content of each box between two offsets; stops at the first that makes no sense."""
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        header = 8
        if size == 1 and start + 16 <= end:
            (size,) = struct.unpack_from(">Q", data, start + 8)
            header = 16
        elif size == 0:
            size = end - start
        if size < header:
            return
        yield kind, start + header, min(start + size, end)
        start += size


def _mp4_is_encrypted(data: Bytes) -> bool:
    def descend(spans: list[tuple[int, int]], kind: bytes) -> list[tuple[int, int]]:
        return [(a, b) for start, end in spans for k, a, b in _boxes(data, start, end) if k == kind]

    spans = [(0, len(data))]
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd"):
        spans = descend(spans, kind)
    # A sample description starts with its version and the number of entries.
    return any(kind in _PROTECTED_ENTRIES for a, b in spans for kind, _, _ in _boxes(data, a + 8, b))


def _elements(data: Bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Identifier, start and end of the content of each EBML element between two offsets."""
    while start < end:
        length = 9 - data[start].bit_length()
        if length > 4 or start + length >= end:
            return
        name = int.from_bytes(data[start : start + length], "big")
        start += length
        length = 9 - data[start].bit_length()
        if length > 8 or start + length > end:
            return
        size = int.from_bytes(data[start : start + length], "big") - (1 << (7 * length))
        start += length
        unknown = size == (1 << (7 * length)) - 1
        stop = end if unknown else min(start + size, end)
        yield name, start, stop
        start = stop


def _matroska_is_encrypted(data: Bytes) -> bool:
    def inside(span: tuple[int, int], name: int) -> list[tuple[int, int]]:
        return [(a, b) for n, a, b in _elements(data, *span) if n == name]

    for segment, a, b in _elements(data, 0, len(data)):
        if segment != _SEGMENT:
            continue
        for name, c, d in _elements(data, a, b):
            if name == _CLUSTER:
                break
            if name != _TRACKS:
                continue
            for track in inside((c, d), _TRACK):
                is_video = any(data[p:q] == b"\x01" for p, q in inside(track, _TRACK_TYPE))
                encodings = [e for es in inside(track, _ENCODINGS) for e in inside(es, _ENCODING)]
                if is_video and any(inside(e, _ENCRYPTION) for e in encodings):
                    return True
    return False

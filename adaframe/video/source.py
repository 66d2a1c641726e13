"""What a live source is: a webcam, a stream on the network, or a file that is played."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field

from adaframe.errors import UnreadableVideo, UsageError
from adaframe.video import masking


class SourceLost(Exception):
    """A webcam or stream gives no frames (any more); says why."""


@dataclass(frozen=True)
class Source:
    """Where frames come from.

    Args:
        kind: webcam, network or file.
        address: index of a webcam, URL with its passwords, or path.
        name: as the user wrote it, passwords masked.
        secrets: that must not leave in any text.
    """

    kind: str
    address: str = field(repr=False)
    name: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hide(self, text: str) -> str:
        """The text without the source's secrets."""
        return masking.hide(text, self.secrets)


def parse_source(source: str | int) -> Source:
    """What a user named: an index (or /dev/video0) for a webcam, a URL, or a path.

    Raises:
        UsageError: an empty name, or a URL with an environment variable that is not set.
        UnreadableVideo: no such file, or a folder.
    """
    text = os.fspath(source) if not isinstance(source, int) else str(source)
    device = re.fullmatch(r"(?:/dev/video)?(\d+)", text)
    if device:
        return Source("webcam", device[1], text)
    if masking.is_url(text):
        address, secrets = masking.expand(text)
        return Source("network", address, masking.mask(text), secrets)
    if not text or (isinstance(source, int) and source < 0):
        raise UsageError(f"{text!r} is no source; try: 0 for the first webcam, a URL, or a file")
    if not os.path.exists(text):
        raise UnreadableVideo(
            text, "no such file", "check the path; addresses of streams begin with rtsp:// or http://"
        )
    if os.path.isdir(text):
        raise UnreadableVideo(text, "is a folder", "a file in it")
    return Source("file", text, text)

"""The one tree of errors that adaframe raises on purpose.

AdaframeError                 something a user can mend; the message says where, what, and what to try
├── UsageError                wrong flags, config keys or values (exit code 2)
├── VideoError                one file or camera cannot be used
│   ├── UnreadableVideo       no picture can be decoded
│   ├── NoVideoStream         there is sound or data, but no moving picture
│   ├── EncryptedVideo        the picture is protected
│   └── DecoderFailure        the decoder crashed, hung or used too much memory
├── DataError                 a data set, manifest or label is wrong
├── CheckpointError           a file is no adaframe checkpoint, or does not fit
└── MissingExtra              an optional dependency is not installed
"""

from __future__ import annotations

from pathlib import Path


class AdaframeError(Exception):
    """Base of all errors that a user can mend."""

    exit_code = 1


class UsageError(AdaframeError):
    """Wrong flags, config keys or values."""

    exit_code = 2


class VideoError(AdaframeError):
    """One video cannot be used. `where` is the path, `what` the cause, `hint` what to try."""

    def __init__(self, where: str | Path, what: str, hint: str = "") -> None:
        self.where, self.what, self.hint = str(where), what, hint
        super().__init__(f"{where}: {what}" + (f"; try: {hint}" if hint else ""))

    def __reduce__(self) -> tuple[type, tuple[str, str, str]]:
        # The default rebuilds from the message alone, which loses the parts on the way out of a decoding process.
        return type(self), (self.where, self.what, self.hint)


class UnreadableVideo(VideoError):
    """No picture can be decoded from the file."""


class NoVideoStream(VideoError):
    """The file holds no moving picture (cover art does not count)."""


class EncryptedVideo(VideoError):
    """The picture is protected; what a decoder returns would be garbage."""


class DecoderFailure(VideoError):
    """The decoder crashed, hung or used too much memory on this file."""


class DataError(AdaframeError):
    """A data set, manifest or label is wrong."""


class CheckpointError(AdaframeError):
    """A file is no adaframe checkpoint, or does not fit the model."""


class MissingExtra(AdaframeError):
    """An optional dependency is not installed."""

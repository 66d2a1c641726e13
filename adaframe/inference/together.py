"""Files recognised together: windows of several files at once through the model, answers in order, errors as values.

It knows the model by what it does, and imports no torch before decoding has begun.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adaframe.errors import VideoError
from adaframe.inference.steps import Steps, first_step
from adaframe.video import ClipFrames, ClipRequest, DecodePool, Part, Parts

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction
    from adaframe.inference.total import Recognised, Total
    from adaframe.model.metadata import Metadata

# A batch ends with the part that reaches this: 8 windows of 16 frames at 224 pixels, 15 at 160. More gains nothing on a CPU,
# which takes 16 to 31 frames a pass, and keeps the first answers waiting.
PIXELS_PER_BATCH = 8 * 16 * 224**2


class Recognises(Protocol):
    """What is asked of a model."""

    def recognise_parts(self, parts: Sequence[ClipFrames], *, beta: float) -> list[Recognised]:
        """Windows of one or several files, as one batch -> what came of each part."""


def recognise_paths(
    recognizer: Callable[[], Recognises],
    metadata: Metadata,
    paths: Iterable[str | Path],
    pool: DecodePool,
    *,
    beta: float = 0.0,
    window_s: float | None = None,
    stride_s: float | None = None,
    decode: str = "auto",
) -> Iterator[Prediction | VideoError]:
    """Recognise files, in order; a file that fails gives its error as a value.

    The model is given what is decoded by the time it is free, up to PIXELS_PER_BATCH: batches are large where it is the
    slower one, and nothing waits for a full batch where decoding is.

    Args:
        recognizer: called once, beside the decoding that has begun then.
        metadata: of its checkpoint.
        paths: of the files; taken from as answers are; may be endless.
        pool: that decodes.
        beta: bias of the action logits against cost: where on its curve the model works.
        window_s: length of the windows that long files are cut into; None for the model's.
        stride_s: from the start of a window to the next; None spreads them evenly.
        decode: exact, fast (key frames near the sampled ones, and where they do not settle it a second step) or auto.
    """

    def request(path: str) -> ClipRequest:
        asked = metadata.request(path, window_s=window_s, stride_s=stride_s, decode=decode)
        return first_step(asked, metadata)

    def recognise(frames: Sequence[ClipFrames]) -> list[Recognised]:
        return loading.result().recognise_parts(frames, beta=beta)

    total: Total | None = None
    with (
        closing(Parts(pool, (request(str(path)) for path in paths))) as parts,
        closing(Steps(pool, metadata, request, recognise, PIXELS_PER_BATCH)) as steps,
        ThreadPoolExecutor(1) as side,
    ):
        parts.begin()  # Before torch is imported: from then on the two take each other's time.
        loading = side.submit(recognizer)
        for part, recognised in steps.through(batches(parts, parts.ready)):
            if recognised is None:
                assert isinstance(part.frames, VideoError)
                yield part.frames
                continue
            if total is None:
                from adaframe.inference.total import Total

                total = Total(part.path, metadata)
            total.add(recognised)
            if part.last:
                prediction, total = total.prediction(), None
                yield prediction


def batches(parts: Iterator[Part], ready: Callable[[], bool]) -> Iterator[list[Part]]:
    """Parts by batches: one at least, more as long as `ready` says that the next one need not be waited for."""
    for part in parts:
        batch, pixels = [part], _pixels(part)
        while pixels < PIXELS_PER_BATCH and ready() and (another := next(parts, None)) is not None:
            batch.append(another)
            pixels += _pixels(another)
        yield batch


def _pixels(part: Part) -> int:
    return 0 if isinstance(part.frames, VideoError) else part.frames.images.size // 3

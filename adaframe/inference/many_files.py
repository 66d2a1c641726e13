"""Files recognised together: windows of several files at once through the model, answers in order, errors as values.

It knows the model by what it does, and imports no torch before decoding has begun.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adaframe.errors import VideoError
from adaframe.inference.in_order import InOrder
from adaframe.inference.key_frames_first import KeyFramesFirst, first_step
from adaframe.video import ClipFrames, ClipRequest, DecodePool, Part, Parts

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction
    from adaframe.inference.total import Recognised, Total
    from adaframe.model.metadata import Metadata

# A batch ends with the part that reaches this: 8 windows of 16 frames at 224 pixels, 15 at 160. More gains nothing on a CPU,
# which takes 16 to 31 frames a pass, and keeps the first answers waiting.
PIXELS_PER_BATCH = 8 * 16 * 224**2
# One of less than this is worth some waiting: a window of 16 glances alone takes a third more time than as one of four.
_PIXELS_WORTH_A_PASS = PIXELS_PER_BATCH // 4
_WAIT_S = 0.25

# So many files may be answered before one that was asked for earlier and takes long: a minute of them while a decoder hangs.
_OVERTAKE = 2000


class Recognises(Protocol):
    """What is asked of a model."""

    def recognise_parts(self, parts: Sequence[ClipFrames], *, beta: float) -> list[Recognised]:
        """Windows of one or several files, as one batch -> what came of each part."""


class Coming(Protocol):
    """What is asked of `Parts`."""

    def __iter__(self) -> Iterator[Part]: ...

    def __next__(self) -> Part: ...

    def ready(self, within_s: float = 0.0) -> bool:
        """Whether the next part, if there is one, can be had within so many seconds."""


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
    slower one, and where decoding is, none waits longer than a moment for others. Files that are decoded early are
    recognised early, so that one whose decoder hangs costs the others no time; their answers wait for its own. Where many
    wait, their pictures are given up (`Prediction.crops` is None).

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

    recognised_at = float("-inf")

    def recognise(frames: Sequence[ClipFrames]) -> list[Recognised]:
        nonlocal recognised_at
        before, recognised_at = recognised_at, time.monotonic()
        decoding = sum(part.decode_s for part in frames) / max(recognised_at - before, 1e-6)  # cores, since then
        model = loading.result()
        with threads(beside=min(parts.busy(), round(decoding))):
            return model.recognise_parts(frames, beta=beta)

    totals: dict[int, Total] = {}
    answers = InOrder()
    with (
        closing(Parts(pool, (request(str(path)) for path in paths), overtake=_OVERTAKE)) as parts,
        closing(KeyFramesFirst(pool, metadata, request, recognise, PIXELS_PER_BATCH)) as steps,
        ThreadPoolExecutor(1) as side,
    ):
        parts.begin()  # Before torch is imported: from then on the two take each other's time.
        loading = side.submit(recognizer)
        for part, recognised in steps.through(batches(parts)):
            if recognised is None:
                assert isinstance(part.frames, VideoError)
                answers.add(part.number, part.frames)
            else:
                if part.number not in totals:
                    from adaframe.inference.total import Total

                    totals[part.number] = Total(part.path, metadata)
                totals[part.number].add(recognised)
                if part.last:
                    answers.add(part.number, totals.pop(part.number).prediction())
            yield from answers


def batches(parts: Coming) -> Iterator[list[Part]]:
    """Parts by batches: those that are decoded, and what else comes within a moment where they are few.

    The first batch waits for nothing, so that the first answer comes soon.
    """
    patience_s = 0.0
    for part in parts:
        batch, pixels, until = [part], _pixels(part), time.monotonic() + patience_s
        while pixels < PIXELS_PER_BATCH:
            left = until - time.monotonic() if pixels < _PIXELS_WORTH_A_PASS else 0.0
            if not parts.ready(max(0.0, left)):
                break
            if (another := next(parts, None)) is None:
                break
            batch.append(another)
            pixels += _pixels(another)
        yield batch
        patience_s = _WAIT_S


@contextmanager
def threads(*, beside: int) -> Iterator[None]:
    """Torch computes in as many threads as before, less those that decoders need, one at least.

    A thread that shares its core keeps the others of its pass waiting: on two cores beside two decoders, two threads took
    twice the CPU time of one.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before - beside))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _pixels(part: Part) -> int:
    return 0 if isinstance(part.frames, VideoError) else part.frames.images.size // 3

"""Answers in the order of their files, where some come before their turn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from adaframe.errors import VideoError

if TYPE_CHECKING:
    from adaframe.inference.prediction import Prediction

_PICTURES_KEPT = 64 << 20  # bytes, of answers that wait


class InOrder:
    """Answers that come in any order, handed out by their numbers, 0 first.

    Those that wait keep so much of their pictures as is bounded, however many they are.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Prediction | VideoError] = {}
        self._next = 0

    def add(self, number: int, answer: Prediction | VideoError) -> None:
        """The answer of a number that had none yet."""
        kept = sum(_bytes(waiting) for waiting in self._waiting.values())
        if not isinstance(answer, VideoError) and number > self._next and kept + _bytes(answer) > _PICTURES_KEPT:
            answer = replace(answer, crops=None)
        self._waiting[number] = answer

    def __iter__(self) -> Iterator[Prediction | VideoError]:
        """Those whose turn it is."""
        while self._next in self._waiting:
            self._next += 1
            yield self._waiting.pop(self._next - 1)


def _bytes(answer: Prediction | VideoError) -> int:
    return 0 if isinstance(answer, VideoError) or answer.crops is None else answer.crops.nbytes

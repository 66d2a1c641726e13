"""A rendered data set whose class can be read at two moments of a clip and in full resolution alone."""

from __future__ import annotations

from adaframe.needle.dataset import NeedleClip, clips, render
from adaframe.needle.plan import evidence, evidence_segments
from adaframe.needle.spec import CUES, TEXTURES, NeedleSpec

__all__ = ["CUES", "TEXTURES", "NeedleClip", "NeedleSpec", "clips", "evidence", "evidence_segments", "render"]

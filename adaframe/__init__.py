"""adaframe recognises what happens in a video without computing most of it."""

from __future__ import annotations

__version__ = "0.1.0"

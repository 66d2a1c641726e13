"""A page on a free port of this machine, and things to show on it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adaframe.inference.moment import Moment

# Tests import what lies beside this file by its name.
sys.path.insert(0, str(Path(__file__).parent))

Say = Callable[..., Moment]


@pytest.fixture
def moment() -> Say:
    """A moment of camera 0 with a grey picture, and what a test wants to be different."""
    usual = Moment(
        source="0",
        time=datetime(2026, 5, 1, 12, 0, tzinfo=timezone.utc),
        stream_s=0.0,
        label="run",
        confidence=0.75,
        unsure=False,
        action="look-96",
        delay_s=0.05,
        dropped=2,
        load=0.4,
        gmacs_per_s=1.5,
        saved=0.6,
        top=[("run", 0.75), ("sit", 0.25)],
    )

    def make(grey: int = 100, **different: Any) -> Moment:
        image = np.full((36, 64, 3), grey, np.uint8)
        return replace(usual, **({"image": image} | different))

    return make


@pytest.fixture
def open_page() -> Iterator[Callable[..., Any]]:
    """Opens pages, and closes them after the test."""
    pytest.importorskip("fastapi", reason="the extra web is not installed")
    from adaframe.live.web import WebPage

    with ExitStack() as stack:

        def make(**different: Any) -> WebPage:
            values = {"host": "127.0.0.1", "port": 0, "token": None, "classes": ["run", "sit"], "sources": ["0"]}
            return stack.enter_context(WebPage(**(values | different)))

        yield make

"""What the tests let a decoding process do. The children import this file by its name."""

from __future__ import annotations

import os
import sys
import time

import numpy as np


def crash(path: str) -> None:
    os.abort()


def hang(path: str) -> None:
    time.sleep(60)


def swell(path: str) -> int:
    return int(np.ones(3 << 30, np.uint8)[-1])


def fail(path: str) -> None:
    raise KeyError("unexpected")


def echo(path: str) -> str:
    return path


def crash_at_c(path: str) -> str:
    if path == "c":
        os.abort()
    return path


def modules(path: str) -> list[str]:
    return sorted(sys.modules)


def process(path: str) -> int:
    return os.getpid()

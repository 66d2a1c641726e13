"""What the tests let a process do that opens videos. The children import this file by its name."""

from __future__ import annotations

import os
import time

from adaframe.prepare.verify import Parts, look_into


def fail_by_name(file: Parts) -> tuple[list[str], bool]:
    if "crash" in file.path:
        os.abort()
    if "hang" in file.path:
        time.sleep(60)
    return look_into(file)

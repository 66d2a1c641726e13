"""torchvision's models, imported without torch's compiler.

torchvision's detection operators, which adaframe does not use, import torch._dynamo for one small function. That takes longer
than all the rest of torchvision, on every start of every command.
"""

from __future__ import annotations

import sys
import threading
import types
from typing import Any

_IMPORTING = threading.Lock()


def models() -> Any:
    """The module torchvision.models."""
    with _IMPORTING:
        if "torchvision" in sys.modules or "torch._dynamo" in sys.modules:
            import torchvision.models

            return torchvision.models
        package, utilities = types.ModuleType("torch._dynamo"), types.ModuleType("torch._dynamo.utils")
        utilities.is_compile_supported = _is_compile_supported  # type: ignore[attr-defined]
        package.utils = utilities  # type: ignore[attr-defined]
        stand_ins = {"torch._dynamo": package, "torch._dynamo.utils": utilities}
        sys.modules.update(stand_ins)
        try:
            import torchvision.models
        except ImportError:
            # Another torchvision wants more of the compiler than that: then it gets all of it.
            for name in [n for n in sys.modules if n.partition(".")[0] == "torchvision"]:
                del sys.modules[name]
            _remove(stand_ins)
            import torchvision.models
        finally:
            _remove(stand_ins)
        return torchvision.models


def _remove(stand_ins: dict[str, types.ModuleType]) -> None:
    for name, module in stand_ins.items():
        if sys.modules.get(name) is module:
            del sys.modules[name]


def _is_compile_supported(device_type: str) -> bool:
    from torch._dynamo.utils import is_compile_supported

    return bool(is_compile_supported(device_type))

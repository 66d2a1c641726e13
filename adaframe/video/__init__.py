"""Files -> frames. The only package that imports a decoder; it never imports torch.

The names below are loaded when first used: a decoding process sets its limits before numpy and the decoders come in,
and `--help` needs none of them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adaframe.video.cache import FrameCache
    from adaframe.video.camera import Camera
    from adaframe.video.cameras import Cameras
    from adaframe.video.clip import ClipRequest, read_clip
    from adaframe.video.clip_frames import ClipFrames
    from adaframe.video.facts import VideoFacts, probe
    from adaframe.video.live_frame import LiveFrame, Outage
    from adaframe.video.parts import Part, Parts
    from adaframe.video.pool import DecodeFuture, DecodePool
    from adaframe.video.reader import Frames, read_frames
    from adaframe.video.resize import resize_frames
    from adaframe.video.sampling import Plan, plan_windows
    from adaframe.video.webcam import list_cameras

__all__ = [
    "Camera",
    "Cameras",
    "ClipFrames",
    "ClipRequest",
    "DecodeFuture",
    "DecodePool",
    "FrameCache",
    "Frames",
    "LiveFrame",
    "Outage",
    "Part",
    "Parts",
    "Plan",
    "VideoFacts",
    "list_cameras",
    "plan_windows",
    "probe",
    "read_clip",
    "read_frames",
    "resize_frames",
]

_HOME = {
    "Camera": "camera",
    "Cameras": "cameras",
    "Outage": "live_frame",
    "LiveFrame": "live_frame",
    "list_cameras": "webcam",
    "ClipFrames": "clip_frames",
    "ClipRequest": "clip",
    "DecodeFuture": "pool",
    "DecodePool": "pool",
    "FrameCache": "cache",
    "Frames": "reader",
    "Part": "parts",
    "Parts": "parts",
    "Plan": "sampling",
    "VideoFacts": "facts",
    "plan_windows": "sampling",
    "probe": "facts",
    "read_clip": "clip",
    "read_frames": "reader",
    "resize_frames": "resize",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)

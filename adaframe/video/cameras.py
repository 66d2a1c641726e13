"""Several live sources at once."""

from __future__ import annotations

from collections.abc import Sequence

from adaframe.video.camera import Camera, take_newest
from adaframe.video.live_frame import LiveFrame, Outage


class Cameras:
    """Several live sources; use it in a `with` statement, and from one thread at a time.

    Args:
        sources, every_frame, stall_s: as of a Camera.

    Raises:
        UsageError, UnreadableVideo: as of a Camera.
    """

    def __init__(self, sources: Sequence[str | int], *, every_frame: bool = False, stall_s: float = 5.0) -> None:
        self.cameras: list[Camera] = []
        try:
            for source in sources:
                self.cameras.append(Camera(source, every_frame=every_frame, stall_s=stall_s))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Cameras:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def ended(self) -> bool:
        """Whether all have ended."""
        return all(camera.ended for camera in self.cameras)

    def take(self, timeout_s: float) -> list[LiveFrame | Outage]:
        """What is new, at most one thing of each source; waits for the first.

        Raises:
            VideoError, MissingExtra: as of a Camera, once; the other sources go on with the next call.
        """
        return take_newest(self.cameras, timeout_s)

    def close(self) -> None:
        """Ends capture."""
        for camera in self.cameras:
            camera.close()

"""An RTSP camera by GStreamer, a program for a Python that has its bindings: `rtsp_server.py PORT WIDTH HEIGHT PATTERN`.

On Debian: `apt install gir1.2-gst-rtsp-server-1.0 gstreamer1.0-plugins-ugly python3-gi`. It stands alone: the Python that
runs it need not have adaframe.
"""

from __future__ import annotations

import sys

_PIPELINE = (
    "( videotestsrc is-live=true pattern={pattern} ! video/x-raw,width={width},height={height},framerate=25/1 "
    "! x264enc tune=zerolatency speed-preset=ultrafast key-int-max=25 ! rtph264pay name=pay0 pt=96 )"
)


def main(port: str, width: str, height: str, pattern: str) -> None:
    import gi  # type: ignore[import-not-found, unused-ignore]

    gi.require_version("Gst", "1.0")
    gi.require_version("GstRtspServer", "1.0")
    from gi.repository import GLib, Gst, GstRtspServer  # type: ignore[import-not-found, unused-ignore]

    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_PIPELINE.format(width=width, height=height, pattern=pattern))
    factory.set_shared(True)
    server.get_mount_points().add_factory("/live", factory)
    if not server.attach(None):
        sys.exit(f"port {port} cannot be used")
    GLib.MainLoop().run()


if __name__ == "__main__":
    main(*sys.argv[1:])

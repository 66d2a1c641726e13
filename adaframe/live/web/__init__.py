"""The web page of live recognition. What it needs beyond adaframe itself (the extra `web`) is imported when it is opened."""

from adaframe.live.web.address import parse_address, token_for
from adaframe.live.web.browser_camera import BROWSER, BrowserCamera
from adaframe.live.web.page import WebPage

__all__ = ["BROWSER", "BrowserCamera", "WebPage", "parse_address", "token_for"]

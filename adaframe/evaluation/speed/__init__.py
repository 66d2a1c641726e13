"""Seconds, multiply-adds and milliseconds on this machine."""

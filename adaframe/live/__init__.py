"""What becomes of live recognition: lines, a window, a web page, commands and snapshots."""

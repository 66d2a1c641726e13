"""report.md of a training: its sections and film strips."""

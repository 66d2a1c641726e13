"""Commands behind the figures of README and docs/."""

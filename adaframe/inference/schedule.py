"""Which frames of a source are sampled, by time: when the next one is due, and which of them a decision covers already.

All seconds are the source's own. Slots are the times at which a frame is due, whether one comes or not.
"""

from __future__ import annotations

# Of the spacing: a frame this much before its time is taken, so that jitter does not cost every second frame.
EARLY = 0.1

# Of a window: how long a picture that stands still is let be. Something that neither stirs what a camera sends nor is there for
# half a window is no event of that window.
_REST = 0.5


class Schedule:
    """The sampled frames of one source, from its first frame on.

    `spacing_s`, the seconds from one slot to the next, may be another at every call.

    Args:
        start_s: when the first frame was captured.
        window_s: length of the model's window.
    """

    def __init__(self, start_s: float, window_s: float) -> None:
        self.window_s = window_s
        self.sampled_s = start_s  # when the last sampled frame was captured
        self.slot_s = 0.0  # when it was due
        self.slot = -1  # its number since the start, as if none had been missed
        self.resting = False  # whether the picture stands still
        self.late_s = 0.0  # then: by when there is to be a frame
        self._due_s: float | None = None  # when the next one is due; None before the first
        self._free_s = 0.0  # from when on frames are decided about again; before, the last skip covers them
        self._kept_s = 0.0  # when a picture was last given to the network

    @property
    def covered(self) -> bool:
        """Whether the last skip covers the sampled frame."""
        return self.slot_s < self._free_s - 1e-6

    def continues(self, time_s: float, spacing_s: float) -> bool:
        """Whether a frame at this time belongs to what came before: time neither jumped back nor by more than a window."""
        return 0 <= time_s - self.sampled_s <= self.window_s + 2 * spacing_s

    def wanted_s(self, spacing_s: float) -> float | None:
        """From when on a frame is wanted; None before the first.

        While the picture stands still that is when it is to be looked after again: a frame before would show the same.
        """
        if self._due_s is None:
            return None
        return max(self._due_s, self._free_s if self.resting else 0.0) - EARLY * spacing_s

    def advance(self, time_s: float, spacing_s: float) -> tuple[int, int]:
        """A frame came.

        Returns:
            How many slots have come due by it (0: it lies between two; more than one: frames were missed), and how many of
            those that went by before it were free to be decided about.
        """
        before_s = time_s if self._due_s is None else self._due_s
        slots = int((time_s - before_s) / spacing_s + 1 + EARLY)
        if slots <= 0:
            return 0, 0
        free_s = self.late_s + spacing_s if self.resting else self._free_s  # the one at that time, or the next
        missed = sum(before_s + n * spacing_s > free_s - 1e-6 for n in range(slots - 1))
        self.slot_s = before_s + (slots - 1) * spacing_s
        self._due_s = self.slot_s + spacing_s
        self.slot += slots
        self.sampled_s = time_s
        return slots, missed

    def cover(self, frames: int, spacing_s: float) -> None:
        """The decision about the sampled frame holds for so many, itself among them."""
        self._free_s = self.slot_s + frames * spacing_s

    def compare(self, *, same: bool, known: bool, longest: int, spacing_s: float) -> bool:
        """The sampled frame was compared with the last one that the network saw.

        Args:
            same: whether it shows what that one did.
            known: whether there is an answer that may hold.
            longest: frames that it may hold for.

        Returns:
            Whether the answer holds, so that the network need not see the frame: for a window at most.
        """
        self.resting = same
        left = round((self._kept_s + self.window_s - self.slot_s) / spacing_s)
        holds = same and known and left > 0
        if holds:
            self.cover(min(longest, left), spacing_s)
        else:
            self._kept_s = self.slot_s
        self.late_s = min(self.slot_s + _REST * self.window_s, self._kept_s + self.window_s)
        return holds

    def look_again(self) -> None:
        """Where the picture stands still, the next frame may show something new: it is compared, due or not."""
        if self.resting:
            self._free_s = self.slot_s

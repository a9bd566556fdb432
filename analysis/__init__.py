"""Reads the timelines that Orrery writes into data frames, and draws them."""

from .reader import Run, UnreadableRun

__all__ = ["Run", "UnreadableRun"]

"""Pure folds: events in, state, verdict and rows out. No clock, no socket."""

from __future__ import annotations

from typing import Final

FOLDS: Final = 3
"""Raised by whoever changes what a fold gives: read models of another number have to be rebuilt."""

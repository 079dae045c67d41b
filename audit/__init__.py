"""Replay and verification without trusting the operator."""

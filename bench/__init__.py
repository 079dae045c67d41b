"""Measure what Runut does beside what its parts allow and what others would write."""

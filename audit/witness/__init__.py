"""A witness: an agency follows the log, recomputes it and cosigns it (integrity.md §5)."""

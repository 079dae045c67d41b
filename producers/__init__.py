"""Ways in for agency systems, as programs on top of the SDK."""

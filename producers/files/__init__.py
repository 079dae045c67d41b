"""Files as a way in: what stands in them, read entry by entry with bounded memory."""

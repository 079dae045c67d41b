"""The Faust worker and what it hosts: the projector, the deadlines, the notices."""

"""The Faust worker and what it hosts: projector, deadlines, notices; and rebuilding read models."""

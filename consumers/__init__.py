"""The Faust worker and what it hosts: projector, deadlines, notices; and rebuilds of read models."""

"""Peers that are programs of their own, each as small as its library's own examples.

They run in an environment of their own (`requirements-bench.lock`): what they need disagrees with
what Runut needs.
"""

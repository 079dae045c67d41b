"""The rules of design/events.md a second time, written to be obvious and not to be fast.

Plain dicts and lists, the standard library, nothing of Runut: what both folds say of an event was
worked out twice. `fold.py` says what goes in and what comes out.
"""

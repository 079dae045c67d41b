"""The sample world: agencies, cases and years of actions, told from a number.

`events(options, directory)` gives the same events, ids included, for the same options: stories of
cases, meetings, agreements, placement agents and programmes, in the order in which they happened.
Agencies answer in time, late or never; offices are closed at night, at weekends and on holidays of
the directory's calendars. Most is in order; a few mistakes are meant.

Owns what happens; publishing it is `cli.demo_world`'s. Pure: no clock, no sockets, no state of the
ledger. What the ledger itself would have said of missed limits is told as well: a world is a file
of past events, and such a file brings its own breaches and escalations (events.md §6).
"""

from __future__ import annotations

from producers.world.ground import Options, agencies_of
from producers.world.telling import events

__all__ = ["Options", "agencies_of", "events"]

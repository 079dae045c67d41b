"""Where this gateway last wrote on each subject: what the read models may not know yet."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from runut.event import Subject
from runut.lanes import Receipt

SIZE: Final = 16_384


class Unprojected:
    """The last place of each of the subjects written last. Pure."""

    def __init__(self, size: int = SIZE) -> None:
        self._size = size
        self._places: OrderedDict[Subject, tuple[int, int]] = OrderedDict()

    def note(self, receipt: Receipt) -> None:
        """An event is in the log; later ones of its subject may have been noted before."""
        place = (receipt.partition, receipt.offset)
        self._places[receipt.subject] = max(place, self._places.get(receipt.subject, place))
        self._places.move_to_end(receipt.subject)
        if len(self._places) > self._size:
            self._places.popitem(last=False)

    def last(self, subject: Subject) -> tuple[int, int] | None:
        """Partition and offset of the last event here that may not be projected."""
        return self._places.get(subject)

    def forget(self, subject: Subject, place: tuple[int, int]) -> None:
        """What stands at this place is projected."""
        if self._places.get(subject) == place:
            del self._places[subject]

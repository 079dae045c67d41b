from collections.abc import Callable
from datetime import datetime

from runut.catalogue import EventType
from runut.directory import Directory
from runut.event import Recorded
from runut.records import RawRecord
from runut.signing import VerifiedBatches

class EventReader:
    def __init__(
        self,
        directory: Directory,
        partition: int,
        verified: VerifiedBatches,
        type_of: Callable[[Directory, int], EventType],
    ) -> None: ...
    def read(
        self, record: RawRecord, recorded_at: datetime | None, directory_offset: int
    ) -> Recorded | None: ...
    def read_on(
        self,
        records: list[RawRecord],
        at: int,
        stamped_ms: int,
        timestamp_type: int,
        recorded_at: datetime | None,
        directory_offset: int,
        into: list[Recorded],
    ) -> int: ...

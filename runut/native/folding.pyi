from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from runut.directory import Directory
from runut.event import Event, Recorded

L = TypeVar("L")
C = TypeVar("C")

class EffectiveFold(Generic[L, C]):
    folding: type[Any]
    def __init__(
        self,
        plain: Callable[[L, Recorded, Directory, C], None],
        kinds: Mapping[str, Any],
        naming: Mapping[str, tuple[str, ...]],
        entry: type[Any],
        written: type[Any],
        folding: type[Any],
        loaded: type[L],
        counts: type[Any],
    ) -> None: ...
    def fold_next(
        self, loaded: L, recorded: Recorded, directory: Directory, changes: C
    ) -> None: ...

def find(self: Any, table: type[Any], ident: str | int) -> Any: ...
def get(self: Any, table: type[Any], ident: str | int) -> Any: ...
def put(self: Any, row: Any) -> None: ...
def newcomers(
    event: Event, fields: tuple[str, ...], custodian: str, known: Sequence[str]
) -> list[str]: ...
def with_agency(agencies: tuple[str, ...], agency: str) -> tuple[str, ...]: ...

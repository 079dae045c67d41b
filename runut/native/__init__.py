"""What is compiled where a C compiler was at hand: the hottest steps of reading and signing.

Nothing is in here alone: each module does what a plain one does too, and says which. The plain one
is the reference, in the tests and wherever nothing could be compiled; what a compiled step does not
take at a glance, it leaves to the plain one, errors above all.

`RUNUT_NATIVE=no` in the environment leaves it unused.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import Final


def _is_there() -> bool:
    """Whether there is what the others stand on."""
    try:
        import_module("runut.native.sha256")
    except ImportError:
        return False
    return True


IS_USED: Final = (
    os.environ.get("RUNUT_NATIVE", "").lower() not in {"no", "0", "off", "false"} and _is_there()
)
"""Whether the compiled modules are there and wanted."""

"""What is compiled where a C compiler was at hand: the hottest steps of reading and signing.

Nothing is in here alone: each module does what a plain one does too, and says which. The plain one
is the reference, in the tests and wherever nothing could be compiled; what a compiled step does not
take at a glance, it leaves to the plain one, errors above all.

`RUNUT_NATIVE=no` in the environment leaves it unused.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from typing import Final

IS_USED: Final = (
    os.environ.get("RUNUT_NATIVE", "").lower() not in {"no", "0", "off", "false"}
    and find_spec("runut.native.sha256") is not None
)
"""Whether the compiled modules are there and wanted."""

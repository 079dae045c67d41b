"""Examples of answers in the OpenAPI document. FastAPI leaves nulls out: only what has none."""

from __future__ import annotations

from typing import Any, Final

LINE: Final[dict[str, Any]] = {
    "seq": 3,
    "event_id": "0190f3e1-77aa-7111-9222-333344445555",
    "type": "LetterReceived",
    "agency": "kbri-kl",
    "occurred_at": "2025-05-09T02:00:00Z",
    "recorded_at": "2025-05-09T02:00:04Z",
    "partition": 3,
    "offset": 17,
    "verdict": "EFFECTIVE",
    "codes": [],
    "signature": "VALID",
    "data": {"letter_id": "NTT-17", "agenda_number": "112"},
    "text": {
        "id": "KBRI Kuala Lumpur menerima surat NTT-17 dengan nomor agenda 112.",
        "en": "The Indonesian Embassy in Kuala Lumpur received letter NTT-17 as agenda number 112.",
    },
}

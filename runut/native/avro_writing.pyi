from typing import Any

from runut.avro_writer import Write

def compiled(schema: dict[str, Any]) -> Write: ...

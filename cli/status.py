"""`runut status`: whether the parts answer, how far the projector is behind, and what to look at.

Asks Kafka, the registry and PostgreSQL themselves; nothing is remembered. Each part is asked by
itself, so that one that is down does not hide the others.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import Annotated, Any, Final

import msgspec
import typer
from aiokafka.structs import TopicPartition
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cli.common import Data, Json, print_json, run
from cli.look import console, read_models
from embedded.registry import registry_answers
from projections.health import Health, health, is_projecting
from projections.reading import load_directory
from runut.adapters import kafka, postgres, topics
from runut.errors import PlatformError, RunutError, Unreachable
from runut.rfc3339 import format_time
from runut.settings import PLATFORM_FILE, Settings, load_settings

LAG_WORTH_A_WARNING: Final = timedelta(seconds=30)
READ_TIMEOUT_S: Final = 5.0

"""What a program with OpenTelemetry set up would see, for one test."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler


class Spans:
    """The spans that ended so far."""

    def __init__(self, provider: TracerProvider) -> None:
        self._exporter = InMemorySpanExporter()
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.tracer = provider.get_tracer("tests")

    def named(self, start: str) -> list[ReadableSpan]:
        """Those whose name begins so."""
        found = self._exporter.get_finished_spans()
        return [one for one in found if one.name.startswith(start)]


@contextmanager
def tracing(sampler: Sampler = ALWAYS_ON) -> Iterator[Spans]:
    """Have an SDK set up as long as the block lasts: the API allows only one for a process."""
    provider = TracerProvider(sampler=sampler)
    with patch.object(trace, "_TRACER_PROVIDER", provider):
        yield Spans(provider)

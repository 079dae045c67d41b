"""Send spans to a collector, where OpenTelemetry's own variables name one.

Owns nothing but the set-up: what a span is about says `runut.tracing`.
"""

from __future__ import annotations

import os
from importlib.metadata import version
from typing import Final

from opentelemetry import trace

COLLECTOR: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def export_traces(service: str) -> None:
    """Export this process's spans by OTLP over HTTP, if a collector is named.

    The variables of the OpenTelemetry specification say the rest, such as OTEL_SERVICE_NAME
    instead of `service`. A program that set up an SDK before keeps it.
    """
    if not any(os.environ.get(name) for name in COLLECTOR):
        return
    if not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider):
        return
    # Half a second of imports, which nobody pays who is not traced.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    ours = Resource.create({"service.name": service, "service.version": version("runut")})
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

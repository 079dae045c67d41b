"""A process sends its spans to the collector that OpenTelemetry's variables name, or nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from tests.builders import ROOT

PROGRAM = """
from opentelemetry import trace
from cli.telemetry import export_traces
export_traces("runut-worker")
with trace.get_tracer("runut").start_as_current_span("project events") as span:
    print(span.is_recording())
"""


@contextmanager
def collector() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Where a collector answers, and what it was sent."""
    taken: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            serving.join()


def run(**variables: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL")}
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**environment, "OTEL_EXPORTER_OTLP_COMPRESSION": "none", **variables},
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout


def test_spans_go_to_the_collector_that_is_named() -> None:
    with collector() as (address, taken):
        assert run(OTEL_EXPORTER_OTLP_ENDPOINT=address) == "True\n"
    ((path, body),) = taken
    assert path == "/v1/traces"
    assert b"project events" in body
    assert b"runut-worker" in body


def test_the_service_is_called_as_the_variable_says() -> None:
    with collector() as (address, taken):
        named = {"OTEL_SERVICE_NAME": "satu"}
        assert run(OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{address}/own", **named) == "True\n"
    ((path, body),) = taken
    assert path == "/own"
    assert b"satu" in body
    assert b"runut-worker" not in body


def test_without_a_collector_nothing_is_recorded() -> None:
    assert run() == "False\n"
    assert run(OTEL_EXPORTER_OTLP_ENDPOINT="") == "False\n"

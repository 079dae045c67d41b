"""Put the web process together: its log, its socket, its loop, its application."""

from __future__ import annotations

import structlog
import uvloop

from cli.web_app import build_app
from cli.web_log import configure_logging
from cli.web_server import listen, serve
from dashboard.pages.sign_in import LOCAL_NAMES
from runut.errors import SettingError
from runut.settings import Settings

log = structlog.get_logger(__name__)


def run_web(settings: Settings, host: str, port: int) -> None:
    """Serve on an address until told to stop.

    Raises:
        PlatformError: the port is taken.
        SettingError: a demonstration, which lets anybody in, is to listen to other machines.
        RunutError: what the application needs is not there.
    """
    if settings.web_demonstration and host not in LOCAL_NAMES:
        raise SettingError(
            f"RUNUT_WEB_DEMONSTRATION: expected to listen on this machine alone, found {host}"
        )
    configure_logging(settings.log_level)
    with listen(host, port) as listening:
        address, port = listening.getsockname()[:2]
        log.info("listening", address=f"http://{address}:{port}")
        uvloop.run(
            serve(build_app(settings), listening, settings.web_drain_s, settings.web_proxies)
        )
    log.info("stopped")

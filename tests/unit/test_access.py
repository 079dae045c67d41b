"""Who may do what, and what a token of an issuer says of its holder."""

from __future__ import annotations

from typing import Any

import pytest

from runut.access import (
    Principal,
    Role,
    bearer_token,
    require_agency,
    require_emitter,
    require_force,
    require_role,
)
from runut.claims import ClaimNames, principal_of
from runut.errors import Forbidden, Unauthenticated
from runut.event import SYSTEM, AgencyCode

KBRI = AgencyCode("kbri-kl")
NAMES = ClaimNames("agency", "roles")


def principal(*roles: Role, agency: AgencyCode | None = KBRI, may_force: bool = False) -> Principal:
    return Principal("credential/1", agency, frozenset(roles), may_force)


# --- rights --------------------------------------------------------------------------------------


def test_an_emitter_emits_as_its_own_agency() -> None:
    require_emitter(principal("EMITTER"), "kbri-kl")


def test_an_emitter_does_not_emit_as_another_agency() -> None:
    with pytest.raises(Forbidden, match="emitting as kemlu: needs a credential of kemlu"):
        require_emitter(principal("EMITTER"), "kemlu")


@pytest.mark.parametrize("role", ["READER", "AUDITOR", "OPERATOR"])
def test_who_is_no_emitter_emits_nothing(role: Role) -> None:
    with pytest.raises(Forbidden, match="EMITTER"):
        require_emitter(principal(role), "kbri-kl")


def test_an_emitter_of_no_agency_emits_as_nobody() -> None:
    with pytest.raises(Forbidden):
        require_emitter(principal("EMITTER", agency=None), "kbri-kl")


def test_nobody_emits_as_the_ledger_itself() -> None:
    with pytest.raises(Forbidden):
        require_emitter(principal("EMITTER", agency=SYSTEM), SYSTEM)


def test_force_is_a_right_of_its_own() -> None:
    require_force(principal("EMITTER", may_force=True))
    with pytest.raises(Forbidden, match="--may-force"):
        require_force(principal("EMITTER", "OPERATOR", "AUDITOR"))


def test_one_of_several_roles_is_enough() -> None:
    require_role(principal("AUDITOR"), "READER", "AUDITOR")
    with pytest.raises(Forbidden, match="READER or AUDITOR"):
        require_role(principal("EMITTER"), "READER", "AUDITOR")


def test_who_asks_about_an_agency_asks_about_its_own() -> None:
    assert require_agency(principal(), None) == KBRI
    assert require_agency(principal(), "kbri-kl") == KBRI
    with pytest.raises(Forbidden, match="kemlu"):
        require_agency(principal(), "kemlu")
    with pytest.raises(Forbidden):
        require_agency(principal(agency=None), "kemlu")


# --- the header ----------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["Bearer abc", "bearer abc", "BEARER  abc "])
def test_a_bearer_token_is_found_however_the_scheme_is_written(header: str) -> None:
    assert bearer_token(header) == "abc"


@pytest.mark.parametrize("header", [None, "", "abc", "Bearer", "Bearer ", "Basic YTpi"])
def test_what_holds_no_bearer_token_is_refused(header: str | None) -> None:
    with pytest.raises(Unauthenticated):
        bearer_token(header)


# --- claims --------------------------------------------------------------------------------------


def test_claims_say_name_agency_roles_and_force() -> None:
    claims = {"sub": "4f", "agency": "kbri-kl", "roles": ["emitter", "READER", "force", "barista"]}
    expected = Principal("oidc/4f", KBRI, frozenset({"EMITTER", "READER"}), may_force=True)
    assert principal_of(claims, NAMES) == expected


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("roles", {"roles": "reader auditor"}),
        ("realm_access.roles", {"realm_access": {"roles": ["reader", "auditor"]}}),
        ("https://a.example/roles", {"https://a.example/roles": ["reader", "auditor"]}),
    ],
)
def test_roles_are_found_where_the_setting_says(name: str, more: dict[str, Any]) -> None:
    found = principal_of({"sub": "4f", **more}, ClaimNames("agency", name))
    assert found.roles == {"READER", "AUDITOR"}
    assert found.agency is None


@pytest.mark.parametrize("roles", [None, 5, {"reader": True}, [["reader"], 5], [], ""])
def test_doubtful_roles_are_none(roles: Any) -> None:
    assert principal_of({"sub": "4f", "roles": roles}, NAMES).roles == frozenset()


@pytest.mark.parametrize("agency", ["KBRI KL", "", 5, ["kbri-kl"], "kbri-kl\n", "../x"])
def test_an_agency_that_can_be_none_is_refused(agency: Any) -> None:
    with pytest.raises(Unauthenticated, match="claim agency"):
        principal_of({"sub": "4f", "agency": agency}, NAMES)

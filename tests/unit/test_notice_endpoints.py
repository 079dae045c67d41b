"""Which addresses notices may go to, and what the setting of a mail server may say."""

from __future__ import annotations

import pytest

from consumers.mail import SmtpServer
from consumers.worker import build_app
from projections.notice_endpoints import email_address, webhook_address
from runut.errors import BadInput, SettingError
from runut.settings import Settings

SENDER = "?from=runut@ledger.example"


@pytest.mark.parametrize(
    "url",
    [
        "https://kbri-kl.example/notices?token=1",
        "https://10.0.0.7:8443/",
        "http://127.0.0.1:8099/",
        "http://localhost/x",
        "http://[::1]:80/",
    ],
)
def test_a_webhook_has_tls_or_stays_on_this_machine(url: str) -> None:
    assert webhook_address(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://kbri-kl.example/",
        "http://127.0.0.1.example/",
        "http://10.0.0.7/",
        "ftp://kbri-kl.example/",
        "kbri-kl.example/notices",
        "https://",
        "https://kbri-kl.example:99999/",
        "https://user:secret@kbri-kl.example/",
        "https://kbri-kl.example/\r\nx: y",
        "",
    ],
)
def test_anything_else_is_refused(url: str) -> None:
    with pytest.raises(BadInput, match="webhook: expected https") as refused:
        webhook_address(url)
    assert "secret" not in str(refused.value)


def test_an_operator_may_insist_on_a_webhook_without_tls() -> None:
    assert webhook_address("http://10.0.0.7/", insecure=True) == "http://10.0.0.7/"
    with pytest.raises(BadInput):
        webhook_address("ftp://10.0.0.7/", insecure=True)


@pytest.mark.parametrize(
    "text",
    ["", "kbri-kl", "a@", "@b", "a b@c.example", "A <a@b.example>", "a@b\r\nx", "é@b.example"],
)
def test_an_e_mail_address_is_one_plain_address(text: str) -> None:
    with pytest.raises(BadInput, match="e-mail address"):
        email_address(text)
    assert email_address("kasus@kbri-kl.example") == "kasus@kbri-kl.example"


def test_a_mail_servers_url_says_all_there_is_to_know() -> None:
    found = SmtpServer.from_url(f"smtps://runut:p%40ss@mail.example:465{SENDER}")
    assert found == ("mail.example", 465, "runut", "p@ss", True, "runut@ledger.example")
    assert found.start_tls is False


def test_a_password_is_never_sent_in_the_clear_to_another_machine() -> None:
    assert SmtpServer.from_url(f"smtp://a:b@mail.example{SENDER}").start_tls is True
    assert SmtpServer.from_url(f"smtp://mail.example{SENDER}").start_tls is None
    assert SmtpServer.from_url(f"smtp://a:b@127.0.0.1:2525{SENDER}").start_tls is None


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        f"http://runut:secret@mail.example{SENDER}",
        "smtp://runut:secret@mail.example",
        "smtp://runut:secret@mail.example?from=nobody",
        f"smtp://runut:secret@mail.example:port{SENDER}",
        f"smtp://{SENDER}",
    ],
)
def test_a_wrong_mail_server_is_named_without_its_password(url: str) -> None:
    with pytest.raises(SettingError, match="RUNUT_SMTP_URL: expected smtp") as refused:
        SmtpServer.from_url(url)
    assert "secret" not in str(refused.value)


def test_a_worker_with_a_wrong_mail_server_does_not_start() -> None:
    with pytest.raises(SettingError, match="RUNUT_SMTP_URL"):
        build_app(Settings(kafka_bootstrap="127.0.0.1:1", smtp_url="mail.example"))

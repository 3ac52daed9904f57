"""Each real server does its work: a round trip through the standard client for it."""

from __future__ import annotations

import imaplib
import poplib
import smtplib
import ssl
from email.message import EmailMessage

import psycopg
import pytest
import redis as redis_client
from playwright.sync_api import Browser
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis
from tests.servers.smtp import Relay

pytestmark = pytest.mark.servers
RAW = b"From: a@example.org\r\nSubject: hello\r\n\r\n.dot\r\nend\r\n"


@pytest.fixture
def trusted(authority_file: str) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=authority_file)
    # The servers are reached by number, their certificates carry names.
    context.check_hostname = False
    return context


def test_dovecot_gives_out_over_pop3s_what_was_delivered(
    dovecot: Dovecot, trusted: ssl.SSLContext
) -> None:
    dovecot.add_user("round@example.org", "one")
    dovecot.deliver("round@example.org", RAW, RAW)
    client = poplib.POP3_SSL("127.0.0.1", dovecot.ports["pop3s"], context=trusted)
    client.user("round@example.org")
    client.pass_("one")
    assert client.stat() == (2, 2 * len(RAW))
    assert b"\r\n".join(client.retr(1)[1]) + b"\r\n" == RAW
    client.quit()


def test_dovecot_speaks_stls_and_imaps(dovecot: Dovecot, trusted: ssl.SSLContext) -> None:
    dovecot.add_user("stls@example.org", "one")
    client = poplib.POP3("127.0.0.1", dovecot.ports["pop3"])
    client.stls(trusted)
    client.user("stls@example.org")
    client.pass_("one")
    client.quit()
    with imaplib.IMAP4_SSL("127.0.0.1", dovecot.ports["imaps"], ssl_context=trusted) as imap:
        assert imap.login("stls@example.org", "one")[0] == "OK"


def test_a_changed_password_counts_at_once(dovecot: Dovecot) -> None:
    def sign_in(password: str) -> None:
        client = poplib.POP3("127.0.0.1", dovecot.ports["pop3"])
        try:
            client.user("moved@example.org")
            client.pass_(password)
        finally:
            client.close()

    for old, new in (("aaa", "bbb"), ("bbb", "ccc")):
        dovecot.add_user("moved@example.org", old)
        sign_in(old)
        dovecot.add_user("moved@example.org", new)
        with pytest.raises(poplib.error_proto, match="AUTH"):
            sign_in(old)
        sign_in(new)


def test_postgres_keeps_a_row(postgres: Postgres) -> None:
    url = postgres.create_database("round_trip")
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE words (word text)")
        connection.execute("INSERT INTO words VALUES (%s)", ["jörg"])
        assert connection.execute("SELECT word FROM words").fetchall() == [("jörg",)]


def test_redis_keeps_a_value_behind_its_password(redis: Redis) -> None:
    with redis_client.Redis.from_url(redis.url()) as client:
        client.set("word", "value")
        assert client.get("word") == b"value"
    with (
        redis_client.Redis("127.0.0.1", redis.port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis_client.AuthenticationError),
    ):
        stranger.get("word")


def test_the_relay_keeps_mail_for_anybody(smtp: Relay) -> None:
    message = EmailMessage()
    message["From"], message["To"] = "muara@example.org", "anybody@contoh.co.id"
    message["Subject"] = "Your code"
    message.set_content("482917\n")
    with smtplib.SMTP("127.0.0.1", smtp.port) as client:
        client.send_message(message)
    assert "482917" in smtp.wait_for_mail("anybody@contoh.co.id").get_content()


@pytest.mark.browser
def test_chromium_shows_a_page(chromium: Browser) -> None:
    page = chromium.new_page()
    page.set_content("<title>Muara</title><h1>Hello</h1>")
    assert page.title() == "Muara"
    page.close()

"""A broker that is killed while mail is fetched loses no mail and keeps none waiting."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import ExitStack

import psycopg
import pytest
import redis as redis_client

from tests.builders import PASSWORD
from tests.fetcher.offers import digests
from tests.fetcher.test_runs import letter
from tests.servers.dovecot import Dovecot
from tests.servers.postgres import Postgres
from tests.servers.redis import Redis, run_redis, serve
from tests.servers.shapes import Program, scaled_out
from tests.servers.smtp import Relay
from tests.sweeps import SEED, result, seconds

BOXES = [f"broker{number}@example.org" for number in range(3)]
ROUNDS = seconds(1, 20)
# From the moment at which the broker is back.
PATIENCE = 60
STORED = "SELECT b.sha256 FROM mailstore_message m JOIN mailstore_blob b ON b.id = m.blob_id"
DUE = "UPDATE accounts_externalaccount SET next_fetch_at = now()"


def add_accounts(program: Program, dovecot: Dovecot) -> None:
    program.manage("adduser", "siti@example.org", "--password-stdin", words=f"{PASSWORD}\n")
    for box in BOXES:
        dovecot.add_user(box, "right")
        where = ["--protocol", "pop3", "--host", "pop.example.org", "--port", "995"]
        who = ["--owner", "siti@example.org", "--address", box, "--username", box]
        program.manage(
            *("addaccount", *who, *where, "--security", "tls", "--password-stdin"), words="right\n"
        )


def kill(redis: Redis) -> None:
    """Kill the server with all that it held."""
    with redis_client.Redis.from_url(redis.url()) as client:
        process = client.info()["process_id"]
    os.kill(process, signal.SIGKILL)


def wait_until_stored(connection: psycopg.Connection[tuple[str]], offered: Counter[str]) -> bool:
    """Wait until the store has what was offered, or has more, or not after all that patience."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        have = Counter(digest for (digest,) in connection.execute(STORED))
        if have == offered:
            return True
        time.sleep(0.2)
    return False


@pytest.mark.servers
@pytest.mark.timeout(seconds(300, 3600))
def test_a_killed_broker_loses_no_mail(
    dovecot: Dovecot, authority_file: str, postgres: Postgres, smtp: Relay
) -> None:
    extra = {"MUARA_CONNECT_TO": dovecot.connect_to, "SSL_CERT_FILE": authority_file}
    moments, offered, wrong = random.Random(SEED), Counter[str](), Counter[str]()
    with (
        run_redis() as redis,
        scaled_out(extra, postgres=postgres, redis=redis, smtp=smtp) as program,
        psycopg.connect(postgres.url("scaled_out"), autocommit=True) as connection,
        ExitStack() as back,
    ):
        add_accounts(program, dovecot)
        for this_round in range(ROUNDS):
            for number, box in enumerate(BOXES):
                raws = [letter(each, f"{this_round}, {number}") for each in range(40)]
                dovecot.deliver(box, *raws)
                offered += digests(raws)
            connection.execute(DUE)
            time.sleep(moments.uniform(0, 1.2))
            kill(redis)
            time.sleep(1)
            back.enter_context(serve(redis))
            wrong["late"] += not wait_until_stored(connection, offered)
    wrong = +wrong
    assert not wrong, result("broker killed", ROUNDS, ROUNDS, wrong)
    result("broker killed", ROUNDS, ROUNDS, wrong)

"""MX, SRV and TXT from a real server on loopback: order, refusals, and who does not answer."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.servers.names import Names, run_names
from tests.servers.processes import free_port
from wire.dns import RECORDS, mail_exchangers, services, texts
from wire.errors import ConnectionFailed
from wire.guard import Guard

DOMAIN = "contoh.example"


@pytest.fixture
def names() -> Iterator[Names]:
    with run_names() as running:
        yield running


def test_exchangers_come_by_preference(names: Names) -> None:
    names.records[DOMAIN, "MX"] = ["20 mx2.Contoh.example.", "5 mx1.contoh.example."]
    found = mail_exchangers("CONTOH.example", guard=names.guard, seconds=2)
    assert found == ["mx1.contoh.example", "mx2.contoh.example"]
    assert names.heard == [(DOMAIN, "MX")]


def test_a_domain_that_takes_no_mail_or_does_not_exist_has_no_exchanger(names: Names) -> None:
    names.records[DOMAIN, "MX"] = ["0 ."]
    names.records["lain.example", "TXT"] = ['"v=spf1 -all"']
    for domain in (DOMAIN, "lain.example", "tiada.example"):
        assert mail_exchangers(domain, guard=names.guard, seconds=2) == []


def test_services_come_by_priority_and_weight(names: Names) -> None:
    service = f"_imaps._tcp.{DOMAIN}"
    names.records[service, "SRV"] = [
        *("20 0 993 c.contoh.example.", "10 1 993 b.contoh.example."),
        *("10 9 1993 a.contoh.example.", "0 0 993 ."),
    ]
    assert services(service, guard=names.guard, seconds=2) == [
        ("a.contoh.example", 1993),
        ("b.contoh.example", 993),
        ("c.contoh.example", 993),
    ]


def test_texts_are_put_together(names: Names) -> None:
    names.records[DOMAIN, "TXT"] = ['"v=spf1 " "include:_spf.contoh.example -all"', '"lain"']
    told = texts(DOMAIN, guard=names.guard, seconds=2)
    assert sorted(told) == ["lain", "v=spf1 include:_spf.contoh.example -all"]


def test_a_very_long_answer_is_cut(names: Names) -> None:
    names.records[DOMAIN, "MX"] = [f"{n} mx{n}.a." for n in range(RECORDS + 5)]
    assert len(mail_exchangers(DOMAIN, guard=names.guard, seconds=2)) == RECORDS


def test_whoever_does_not_answer_is_left_in_time(names: Names) -> None:
    names.silent.add(DOMAIN)
    began = time.monotonic()
    with pytest.raises(ConnectionFailed) as failed:
        mail_exchangers(DOMAIN, guard=names.guard, seconds=0.3)
    assert failed.value.code == "conn.timeout"
    assert time.monotonic() - began < 5
    with pytest.raises(ConnectionFailed):
        mail_exchangers(DOMAIN, guard=Guard(nameserver=("127.0.0.1", free_port())), seconds=0.3)


@pytest.mark.parametrize("name", ["", "a..b", "x" * 300, "a b.example", "-a.example"])
def test_what_is_no_name_is_not_asked(names: Names, name: str) -> None:
    with pytest.raises(ConnectionFailed):
        mail_exchangers(name, guard=names.guard, seconds=1)
    assert names.heard == []


def test_a_name_in_another_script_is_asked_as_dns_writes_it(names: Names) -> None:
    names.records["xn--bcher-kva.example", "MX"] = ["1 mx.bücher.example."]
    assert mail_exchangers("Bücher.example", guard=names.guard, seconds=2)

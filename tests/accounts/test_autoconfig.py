"""What a domain publishes about its servers, honest, odd or hostile."""

from __future__ import annotations

import pytest

from accounts import autoconfig
from wire.endpoint import Protocol, Security

FILE = """<?xml version="1.0"?>
<clientConfig version="1.1"><emailProvider id="contoh.example">
  <domain>contoh.example</domain>
  <incomingServer type="imap">
    <hostname>imap.contoh.example</hostname><port>993</port><socketType>SSL</socketType>
    <username>%EMAILLOCALPART%</username><authentication>password-cleartext</authentication>
  </incomingServer>
  <incomingServer type="pop3">
    <hostname> mail.%EMAILDOMAIN% </hostname><port>110</port><socketType>STARTTLS</socketType>
    <username>%EMAILADDRESS%</username>
  </incomingServer>
  <incomingServer type="pop3">
    <hostname>odd.contoh.example</hostname><port>1995</port><socketType>SSL</socketType>
  </incomingServer>
  <outgoingServer type="smtp">
    <hostname>smtp.contoh.example</hostname><port>587</port><socketType>STARTTLS</socketType>
  </outgoingServer>
</emailProvider></clientConfig>"""
ENTITIES = """<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<clientConfig><incomingServer type="pop3"><hostname>&b;</hostname><port>995</port>
<socketType>SSL</socketType></incomingServer></clientConfig>"""


def test_servers_on_standard_ports_are_read_and_marks_filled_in() -> None:
    found = autoconfig.read(FILE.encode(), "Siti@contoh.example")
    assert [(one.protocol, one.host, one.security, one.username) for one in found] == [
        (Protocol.IMAP, "imap.contoh.example", Security.TLS, "Siti"),
        (Protocol.POP3, "mail.contoh.example", Security.STARTTLS, "Siti@contoh.example"),
        (Protocol.SMTP, "smtp.contoh.example", Security.STARTTLS, "Siti@contoh.example"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        *("", "<html>404</html>", FILE[:200], ENTITIES, "\0" * 100, "<a>" * 50_000),
        FILE.replace("SSL", "SSH").replace("STARTTLS", "none"),
        FILE.replace("993", "-1").replace("110", "1e2").replace("587", "٥٨٧٥"),
        FILE.replace('type="', 'type="x'),
    ],
)
def test_what_is_no_such_file_names_no_server(text: str) -> None:
    assert autoconfig.read(text.encode(), "siti@contoh.example") == ()


def test_values_with_control_characters_or_of_great_length_are_dropped() -> None:
    odd = FILE.replace("%EMAILLOCALPART%", "siti\nDELE 1").replace("%EMAILADDRESS%", "x" * 9999)
    assert {one.username for one in autoconfig.read(odd.encode(), "siti@contoh.example")} == {
        "siti@contoh.example"
    }


def test_a_file_without_end_is_read_to_a_limit() -> None:
    servers = "<incomingServer type='pop3'><hostname>a.example</hostname><port>995</port>"
    servers += "<socketType>SSL</socketType></incomingServer>"
    many = f"<clientConfig>{servers * 500}</clientConfig>".encode()
    assert len(autoconfig.read(many, "a@a.example")) == autoconfig.MOST_SERVERS
    assert autoconfig.read(many + b" " * autoconfig.LONGEST, "a@a.example")

"""Reads what a domain publishes about its own mail servers, in Thunderbird's config-v1.1.xml."""

from __future__ import annotations

from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from accounts.providers import Server, server_of

LONGEST = 256 * 1024
# Longer values, and more servers, than any real file has.
LONGEST_VALUE, MOST_SERVERS = 254, 20
SECURITY = {"SSL": "tls", "STARTTLS": "starttls", "plain": "plain"}
DEFAULT_USERNAME = "%EMAILADDRESS%"


def read(text: bytes, address: str) -> tuple[Server, ...]:
    """Return the servers for an address that a file names on standard ports.

    Nothing for what is no such file. Marks in it are filled in as in our own table.
    """
    try:
        root = fromstring(text[:LONGEST], forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return ()
    rows = [*root.iter("incomingServer"), *root.iter("outgoingServer")][:MOST_SERVERS]
    return tuple(server.for_address(address) for row in rows if (server := _server(row)))


def _server(row: Element) -> Server | None:
    port = _value(row, "port")
    return server_of(
        row.get("type", ""),
        _value(row, "hostname"),
        int(port) if port.isdecimal() else 0,
        SECURITY.get(_value(row, "socketType"), ""),
        _value(row, "username") or DEFAULT_USERNAME,
    )


def _value(row: Element, name: str) -> str:
    value = (row.findtext(name) or "").strip()
    return value if value.isprintable() and len(value) <= LONGEST_VALUE else ""

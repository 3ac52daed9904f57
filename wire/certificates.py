"""Reads the certificates that a server shows, for people who have to see what is wrong with them.

All that they say is a stranger's text: it is cut, and freed of control characters.
"""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509
from cryptography.x509.oid import NameOID

# Real chains have two or three, and a certificate up to a hundred names.
CHAIN_SHOWN, NAMES_SHOWN, LONGEST_TEXT = 6, 20, 200


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says; times are ISO 8601 in UTC, the fingerprint is its SHA-256."""

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: str
    not_after: str
    fingerprint: str


def shown_chain(connection: ssl.SSLObject) -> list[bytes]:
    """Return the chain that the server sent, in DER, its own certificate first, all unchecked."""
    found = getattr(connection, "get_unverified_chain", None)
    if found is None:  # Python 3.13 made it public.
        found = connection._sslobj.get_unverified_chain  # type: ignore[attr-defined]  # noqa: SLF001
    shown = [_der(one) for one in found() or ()]
    return shown[:CHAIN_SHOWN]


def _der(certificate: object) -> bytes:
    if isinstance(certificate, bytes):
        return certificate
    pem: str = certificate.public_bytes()  # type: ignore[attr-defined]  # of a hidden class
    return ssl.PEM_cert_to_DER_cert(pem)


def read_chain(chain: Sequence[bytes]) -> tuple[Certificate, ...]:
    """Return what the certificates of a chain say. Raise ValueError for what is none."""
    return tuple(_read(der) for der in chain)


def _read(der: bytes) -> Certificate:
    certificate = x509.load_der_x509_certificate(der)
    return Certificate(
        subject=_name(certificate.subject),
        issuer=_name(certificate.issuer),
        names=tuple(_clean(name) for name in names_of(certificate)[:NAMES_SHOWN]),
        not_before=certificate.not_valid_before_utc.isoformat(),
        not_after=certificate.not_valid_after_utc.isoformat(),
        fingerprint=hashlib.sha256(der).hexdigest(),
    )


def names_of(certificate: x509.Certificate) -> list[str]:
    """Return the DNS names that a certificate is for (RFC 9525); its common name is none."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return found.value.get_values_for_type(x509.DNSName)


def _name(name: x509.Name) -> str:
    """Return the common name and organisation, else the whole name."""
    found = [
        str(attribute.value)
        for kind in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME)
        for attribute in name.get_attributes_for_oid(kind)
    ]
    return _clean(", ".join(found) or name.rfc4514_string())


def _clean(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:LONGEST_TEXT].strip()

"""The one TLS context: version 1.2 or later, chain and host name always checked."""

from __future__ import annotations

import os
import re
import socket
import ssl
from contextlib import suppress
from functools import cache

from cryptography import x509

from wire.certificates import names_of
from wire.deadline import Deadline
from wire.dial import ascii_name
from wire.encrypted import Encrypted
from wire.errors import CertificateInvalid, ConnectionFailed, MailError, TlsUnavailable

# OpenSSL's verification results (X509_V_ERR_...), as far as people can act on them.
VERIFY_CODES = {
    9: "tls.notyet",
    10: "tls.expired",
    18: "tls.selfsigned",
    19: "tls.issuer",
    20: "tls.issuer",
    21: "tls.issuer",
    62: "tls.name",
    64: "tls.name",
}
OLD_VERSION = {
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "UNSUPPORTED_PROTOCOL",
    "NO_PROTOCOLS_AVAILABLE",
    "NO_SHARED_CIPHER",
}
# Only what looks like a name is told as one.
NAME = re.compile(r"[A-Za-z0-9*._-]{1,253}")
NAMES_SHOWN = 3
# What can be typed as a server: neither a pattern nor a number.
HOST_NAME = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z][A-Za-z0-9-]*")


def checked_context() -> ssl.SSLContext:
    """Return the context for every conversation: the system's authorities plus SSL_CERT_FILE."""
    return _context(os.environ.get("SSL_CERT_FILE", ""))


@cache
def _context(_authorities: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # Browsers stopped reading the common name (RFC 9525 section 2); Python would still take it.
    context.hostname_checks_common_name = False
    # OpenSSL reads SSL_CERT_FILE instead of the system's file, and we want both.
    with suppress(FileNotFoundError):
        context.load_verify_locations(ssl.get_default_verify_paths().openssl_cafile)
    return context


def encrypt(
    connection: socket.socket, host: str, context: ssl.SSLContext, deadline: Deadline
) -> Encrypted:
    """Agree on TLS and check who the server is; the connection is closed where that fails.

    Raise CertificateInvalid, TlsUnavailable, or ConnectionFailed when time runs out.
    """
    try:
        return Encrypted(connection, context, ascii_name(host)).shake_hands(deadline)
    except OSError as error:
        connection.close()
        raise _failed(error) from error


def _failed(error: OSError) -> MailError:
    match error:
        case ssl.SSLCertVerificationError():
            return CertificateInvalid(VERIFY_CODES.get(error.verify_code, "tls.invalid"))
        case TimeoutError():
            return ConnectionFailed("conn.timeout")
        case ssl.SSLError(reason=reason) if reason in OLD_VERSION:
            return TlsUnavailable("tls.version")
        case _:
            return TlsUnavailable("tls.failed")


def unchecked_context() -> ssl.SSLContext:
    """Return a context for reading a bad certificate's dates and names, and for nothing else."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def certificate_facts(der: bytes, code: str) -> dict[str, str | int]:
    """Return the date or the names in a certificate that explain why it was refused.

    Of the names, ``usable`` are those by which a server can be called instead.

    Raise ValueError for what is no certificate.
    """
    certificate = x509.load_der_x509_certificate(der)
    match code:
        case "tls.expired":
            return {"date": certificate.not_valid_after_utc.isoformat()}
        case "tls.notyet":
            return {"date": certificate.not_valid_before_utc.isoformat()}
        case _:
            names = [name for name in names_of(certificate) if NAME.fullmatch(name)]
            return _listed(name=names, usable=[x for x in names if HOST_NAME.fullmatch(x)])


def _listed(**names: list[str]) -> dict[str, str | int]:
    return {fact: ", ".join(some[:NAMES_SHOWN]) for fact, some in names.items() if some}

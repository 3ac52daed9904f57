"""Makes the TLS contexts of test servers: one that is good, and each way of being bad."""

from __future__ import annotations

import ssl
import tempfile
import warnings
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

HOST = "pop.example.org"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LAPSED = datetime(2021, 6, 30, 12, tzinfo=UTC)
FAR_OFF = datetime(2090, 1, 1, tzinfo=UTC)
Maker = Callable[[trustme.CA], ssl.SSLContext]


def good(authority: trustme.CA) -> ssl.SSLContext:
    """Be the server that was asked for."""
    return _serving(authority.issue_cert(HOST))


def good_for(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """Be each of these servers."""
    return _serving(authority.issue_cert(*names))


def self_signed(authority: trustme.CA) -> ssl.SSLContext:
    return _made([HOST], signed_by=None)


def unknown_issuer(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(trustme.CA().issue_cert(HOST))


def unknown_issuer_with_root(authority: trustme.CA) -> ssl.SSLContext:
    stranger = trustme.CA()
    leaf = stranger.issue_cert(HOST)
    chain = leaf.cert_chain_pems[0].bytes() + stranger.cert_pem.bytes()
    return _loaded(chain, leaf.private_key_pem.bytes())


def missing_intermediate(authority: trustme.CA) -> ssl.SSLContext:
    leaf = authority.create_child_ca().issue_cert(HOST)
    return _loaded(leaf.cert_chain_pems[0].bytes(), leaf.private_key_pem.bytes())


def expired(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert(HOST, not_before=LONG_AGO, not_after=LAPSED))


def not_yet_valid(authority: trustme.CA) -> ssl.SSLContext:
    later = FAR_OFF + timedelta(days=365)
    return _serving(authority.issue_cert(HOST, not_before=FAR_OFF, not_after=later))


def wrong_name(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert("mail.example.com", "10.9.8.7"))


def wildcard_too_deep(authority: trustme.CA) -> ssl.SSLContext:
    return _serving(authority.issue_cert("*.org", "*.pop.example.org"))


def common_name_only(authority: trustme.CA) -> ssl.SSLContext:
    return _made([], signed_by=authority)


def for_clients_only(authority: trustme.CA) -> ssl.SSLContext:
    return _made([HOST], signed_by=authority, usage=ExtendedKeyUsageOID.CLIENT_AUTH)


def old_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = good(authority)
    with warnings.catch_warnings(action="ignore"):
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


# Each with the code that it must lead to.
BAD: dict[str, tuple[Maker, str]] = {
    "self signed": (self_signed, "tls.selfsigned"),
    "unknown issuer": (unknown_issuer, "tls.issuer"),
    "unknown issuer, root sent": (unknown_issuer_with_root, "tls.issuer"),
    "missing intermediate": (missing_intermediate, "tls.issuer"),
    "expired": (expired, "tls.expired"),
    "not yet valid": (not_yet_valid, "tls.notyet"),
    "wrong name": (wrong_name, "tls.name"),
    "wildcard too deep": (wildcard_too_deep, "tls.name"),
    "common name only": (common_name_only, "tls.name"),
    "for clients only": (for_clients_only, "tls.invalid"),
    "old TLS": (old_tls, "tls.version"),
}


def _serving(leaf: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    leaf.configure_cert(context)
    return context


def _loaded(chain: bytes, key: bytes) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.pem"
        path.write_bytes(key + chain)
        context.load_cert_chain(path)
    return context


def _made(
    names: Iterable[str],
    *,
    signed_by: trustme.CA | None,
    usage: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
) -> ssl.SSLContext:
    """Make what trustme refuses to: no alternative names, no issuer, another usage."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    issuer, issuer_key = subject, key
    if signed_by is not None:
        issuer = x509.load_pem_x509_certificate(signed_by.cert_pem.bytes()).subject
        loaded = load_pem_private_key(signed_by.private_key_pem.bytes(), None)
        assert isinstance(loaded, ec.EllipticCurvePrivateKey)
        issuer_key = loaded
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    )
    alternatives = [x509.DNSName(name) for name in names]
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return _loaded(certificate.public_bytes(Encoding.PEM), secret)


def write_certificate(authority: trustme.CA, folder: Path, *names: str) -> None:
    """Write ``certificate.pem``, its chain included, and ``key.pem`` for programs to read."""
    certificate = authority.issue_cert(*names)
    chain = b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
    (folder / "certificate.pem").write_bytes(chain)
    key = folder / "key.pem"
    key.write_bytes(certificate.private_key_pem.bytes())
    key.chmod(0o600)

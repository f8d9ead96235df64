"""Certificates made for a test: an authority, and what it signs."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.x509.oid import NameOID

_NUMBERS = count(1000)


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, in files; `authority` is a file with who signed it."""

    certificate: Path
    key: Path
    authority: Path

    @property
    def table(self) -> str:
        """The two keys of a configuration."""
        return f'certificate = "{self.certificate}", key = "{self.key}"'


class Authority:
    """Signs certificates, and keeps everything in `folder`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key = generate_private_key(SECP256R1())
        self._name = _named(name)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(_pem(self._sign(self._name, self._key, [], is_authority=True)))

    def issue(self, common_name: str, *other_names: str) -> Pair:
        """A certificate for a subject, with DNS names and addresses beside it."""
        key = generate_private_key(SECP256R1())
        number = next(_NUMBERS)
        pair = Pair(self._folder / f"{number}.pem", self._folder / f"{number}.key", self.file)
        pair.certificate.write_bytes(_pem(self._sign(_named(common_name), key, other_names)))
        pair.key.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return pair

    def _sign(
        self,
        subject: x509.Name,
        key: EllipticCurvePrivateKey,
        other_names: tuple[str, ...] | list[str],
        is_authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(next(_NUMBERS))
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        )
        if other_names:
            names = x509.SubjectAlternativeName([_general(name) for name in other_names])
            builder = builder.add_extension(names, critical=False)
        return builder.sign(self._key, hashes.SHA256())


def trusting(authority: Authority, own: Pair | None = None) -> ssl.SSLContext:
    """A client that trusts the authority, and shows a certificate if it has one."""
    context = ssl.create_default_context(cafile=authority.file)
    if own is not None:
        context.load_cert_chain(own.certificate, own.key)
    return context


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _general(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)

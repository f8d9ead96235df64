"""TLS as Twisted speaks it: contexts from the files of the settings, names in certificates, why it failed.

TLS 1.2 is the least, on both sides. The files are read when a context is made, at start-up; no key is kept
outside of OpenSSL, nor ever logged.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import DNSName, SubjectAlternativeName, load_pem_x509_certificates
from cryptography.x509.extensions import ExtensionNotFound
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto
from service_identity import VerificationError
from twisted.internet import ssl as _ssl
from twisted.internet.endpoints import wrapClientTLS
from twisted.internet.protocol import Factory, Protocol
from twisted.protocols.tls import TLSMemoryBIOFactory, TLSMemoryBIOProtocol
from twisted.python.failure import Failure

from gateway.reactor import ReactorTime
from gateway.settings import Carrier, CarrierTls, ClientCertificate, ListenTls

# Twisted's functions for this have no types, and zope's interfaces none that a type checker reads.
ssl: Any = _ssl

FAILED = "TLS: "
"""How the reason of a connection begins that TLS has ended."""


def server_factory(listen: ListenTls, factory: Factory, reactor: ReactorTime) -> Factory:
    """`factory` behind TLS. Raises OSError, ValueError or SSL.Error for files that cannot be used."""
    behind: Any = _ServerFactory(server_options(listen), False, cast(Any, factory), cast(Any, reactor))
    return cast(Factory, behind)


def client_endpoint(endpoint: Any, carrier: Carrier) -> Any:
    """`endpoint` with TLS as the carrier's settings say. Raises as `server_factory` does."""
    tls = carrier.tls
    if tls is None:
        return endpoint
    trust = ssl.platformTrust() if tls.ca is None else _trust(tls.ca)
    options = {"raiseMinimumTo": ssl.TLSVersion.TLSv1_2} | _own_certificate(tls)
    creator = ssl.optionsForClientTLS(
        tls.server_name or carrier.host, trustRoot=trust, extraCertificateOptions=options
    )
    return wrapClientTLS(creator, endpoint)


def peer_names(transport: Any) -> frozenset[str]:
    """The names in the certificate of the peer, folded: its subject's CN and the DNS names beside it.

    Empty for a connection without TLS or without a certificate; one that was shown has been verified.
    """
    shown = transport.getPeerCertificate() if has_tls(transport) else None
    if shown is None:
        return frozenset()
    certificate = shown.to_cryptography()
    names = [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    try:
        other = certificate.extensions.get_extension_for_class(SubjectAlternativeName).value
        names += other.get_values_for_type(DNSName)
    except (ExtensionNotFound, ValueError):
        pass  # the extensions are none, or none that can be read
    return frozenset(name.casefold() for name in names)


def has_tls(transport: object) -> bool:
    """Whether what goes over a connection is encrypted."""
    return isinstance(transport, TLSMemoryBIOProtocol)


def reason_of(failure: Failure | None) -> str:
    """Why a connection was lost, in words."""
    if failure is None:
        return "lost"
    if isinstance(failure.value, SSL.Error):
        # OpenSSL's errors: a list of (library, function, reason).
        said = failure.value.args[0] if failure.value.args else ()
        words = [error[-1] for error in said if error] if isinstance(said, list | tuple) else []
        return FAILED + (", ".join(words) or "the peer has broken off")
    if isinstance(failure.value, VerificationError):
        return FAILED + "the certificate is for another name"
    return failure.getErrorMessage()


class _ServerFactory(TLSMemoryBIOFactory):
    """Twisted's, but a connection that the inner factory refuses is refused."""

    def buildProtocol(self, addr: Any) -> Any:
        inner: Protocol | None = self.wrappedFactory.buildProtocol(addr)
        return None if inner is None else self.protocol(self, cast(Any, inner))


def server_options(listen: ListenTls) -> Any:
    """Twisted's options of our port for TLS. Raises OSError or ValueError for files that cannot be used."""
    trust = None if listen.client_ca is None else _trust(listen.client_ca)
    options = ssl.CertificateOptions(
        trustRoot=trust,
        raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
        **_pair(listen.certificate, listen.key),
    )
    # Twisted takes both or neither of "verify what is shown" and "show it".
    options.requireCertificate = listen.client_certificate is ClientCertificate.REQUIRED
    return options


def _own_certificate(tls: CarrierTls) -> dict[str, Any]:
    return {} if tls.certificate is None or tls.key is None else _pair(tls.certificate, tls.key)


def _pair(certificate: Path, key: Path) -> dict[str, Any]:
    """The options for a certificate, the chain behind it, and its key."""
    own, *chain = load_pem_x509_certificates(certificate.read_bytes())
    return {
        "privateKey": load_pem_private_key(key.read_bytes(), None),
        "certificate": own,
        "extraCertChain": chain,
    }


def _trust(path: Path) -> Any:
    """The authorities in a file."""
    found = load_pem_x509_certificates(path.read_bytes())
    return ssl.trustRootFromCertificates(
        [ssl.Certificate(crypto.X509.from_cryptography(one)) for one in found]
    )

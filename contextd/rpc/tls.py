"""TLS for the server: the newest certificate for every new connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

if TYPE_CHECKING:
    from collections.abc import Callable

    from contextd.ports import Certificate


def server_credentials(newest: Callable[[], Certificate]) -> grpc.ServerCredentials:
    """Return credentials that show what *newest* returns when a connection is made.

    Connections keep what they were made with.  With a client CA every caller must show a
    certificate: grpcio knows no TLS listener that asks for one and takes none.
    """
    first = newest()
    shown = first

    def newer() -> grpc.ServerCertificateConfiguration | None:
        """Called in a thread of gRPC's, before each handshake; None keeps what is shown."""
        nonlocal shown
        certificate = newest()
        if certificate is shown:
            return None
        shown = certificate
        return _configuration(certificate)

    return grpc.dynamic_ssl_server_credentials(
        _configuration(first),
        newer,  # type: ignore[arg-type]  # the stubs forget None
        require_client_authentication=first.client_ca is not None,
    )


def _configuration(certificate: Certificate) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration(
        [(certificate.key, certificate.chain)], root_certificates=certificate.client_ca
    )

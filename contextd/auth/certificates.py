"""Server certificates: read, and proven usable before they are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from contextd.errors import ConfigInvalid
from contextd.ports import Certificate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography.hazmat.primitives.asymmetric.types import (
        PrivateKeyTypes,
        PublicKeyTypes,
    )


def read_certificate(files: Sequence[bytes], now: float) -> Certificate:
    """Return the certificate of the files chain, key and, if it is there, client CA, in PEM.

    *now* is in seconds since 1970.

    Raises:
        ConfigInvalid: one of them cannot be read, they do not belong together, or the
            certificate has expired.  Nothing of the key is said.
    """
    chain, key = _certificates("cert", files[0]), _key(files[1])
    if _spki(chain[0].public_key()) != _spki(key.public_key()):
        raise ConfigInvalid("key is not the key of cert")
    ends = chain[0].not_valid_after_utc.timestamp()
    if ends <= now:
        raise ConfigInvalid(f"cert expired on {chain[0].not_valid_after_utc:%Y-%m-%d %H:%M} UTC")
    client_ca = files[2] if len(files) > 2 else None  # noqa: PLR2004 - the third file
    if client_ca is not None:
        _certificates("client_ca", client_ca)
    return Certificate(chain=files[0], key=files[1], client_ca=client_ca, not_after=ends)


def _certificates(what: str, pem: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise ConfigInvalid(f"{what} holds no certificate in PEM") from error


def _key(pem: bytes) -> PrivateKeyTypes:
    try:
        key = load_pem_private_key(pem, password=None)
    except TypeError:
        raise ConfigInvalid("key is encrypted; it must not be") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigInvalid("key holds no private key in PEM") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise ConfigInvalid("key must be an RSA or an elliptic curve key")
    return key


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

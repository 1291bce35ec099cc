from __future__ import annotations

import datetime as dt
import time

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)

from contextd.auth.certificates import read_certificate
from contextd.errors import ConfigInvalid
from contextd.testing.issuing import Authority

CA = Authority()
PAIR, OTHER = CA.server(), CA.server()


def test_a_pair_is_taken() -> None:
    """Certificate, key and the CA of callers, with the end of its validity."""
    got = read_certificate([PAIR.cert, PAIR.key, CA.cert], time.time())
    assert (got.chain, got.key, got.client_ca) == (PAIR.cert, PAIR.key, CA.cert)
    assert 86_000 < got.not_after - time.time() < 86_500
    assert read_certificate([PAIR.cert, PAIR.key], time.time()).client_ca is None
    weak = CA.server(key=rsa.generate_private_key(65_537, 2_048))
    assert read_certificate([weak.cert, weak.key], time.time()).chain == weak.cert


def test_the_key_is_not_shown() -> None:
    """What is printed of a certificate has nothing of its key."""
    got = read_certificate([PAIR.cert, PAIR.key], time.time())
    assert PAIR.key.decode().splitlines()[1] not in repr(got)


EXPIRED = CA.server(valid=-dt.timedelta(hours=1))
ED = CA.server(key=ed25519.Ed25519PrivateKey.generate())
LOCKED = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")
)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([b"", PAIR.key], "cert holds no certificate"),
        ([PAIR.key, PAIR.key], "cert holds no certificate"),
        ([PAIR.cert[:200], PAIR.key], "cert holds no certificate"),
        ([PAIR.cert, b""], "key holds no private key"),
        ([PAIR.cert, PAIR.cert], "key holds no private key"),
        ([PAIR.cert, PAIR.key[:100]], "key holds no private key"),
        ([PAIR.cert, LOCKED], "key is encrypted"),
        ([PAIR.cert, OTHER.key], "key is not the key of cert"),
        ([EXPIRED.cert, EXPIRED.key], "cert expired on"),
        ([ED.cert, ED.key], "RSA or an elliptic curve"),
        ([PAIR.cert, PAIR.key, b""], "client_ca holds no certificate"),
    ],
)
def test_what_could_not_serve_is_refused(files: list[bytes], message: str) -> None:
    """A handshake would fail with it; so it never gets there."""
    with pytest.raises(ConfigInvalid, match=message):
        read_certificate(files, time.time())

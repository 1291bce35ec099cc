"""Certificates and JSON Web Tokens, made where they are needed."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

DAY = dt.timedelta(days=1)
ISSUER = "https://issuer.example"
AUDIENCE = "contextd"


@dataclass(frozen=True)
class Pair:
    """A certificate and its key in PEM."""

    cert: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> tuple[Path, Path]:
        """Write both below *folder* and return their paths."""
        paths = folder / f"{name}.pem", folder / f"{name}.key"
        paths[0].write_bytes(self.cert)
        paths[1].write_bytes(self.key)
        return paths


def pem(key: Key) -> bytes:
    """Return *key* in PEM."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class Authority:
    """A certificate authority."""

    def __init__(self, name: str = "test CA") -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = (
            self._builder(self._name, self._key, DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def cert(self) -> bytes:
        """Its own certificate."""
        return self._certificate.public_bytes(Encoding.PEM)

    def server(self, *, valid: dt.timedelta = DAY, key: Key | None = None) -> Pair:
        """Return a certificate for a daemon on this machine."""
        local = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return self._leaf([x509.DNSName("localhost"), local], valid, key)

    def client(self, *uris: str, dns: tuple[str, ...] = ()) -> Pair:
        """Return a certificate for a caller of these names."""
        names = [x509.UniformResourceIdentifier(uri) for uri in uris]
        return self._leaf([*names, *map(x509.DNSName, dns)], DAY, None)

    def _leaf(self, names: list[x509.GeneralName], valid: dt.timedelta, key: Key | None) -> Pair:
        key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "leaf")])
        certificate = (
            self._builder(name, key, valid)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        return Pair(certificate.public_bytes(Encoding.PEM), pem(key))

    def _builder(self, name: x509.Name, key: Key, valid: dt.timedelta) -> x509.CertificateBuilder:
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + valid)
        )


@dataclass(frozen=True)
class Signer:
    """Signs JSON Web Tokens with one key."""

    kid: str
    key: Any
    algorithm: str

    @classmethod
    def new(cls, kid: str = "k1", algorithm: str = "ES256") -> Signer:
        """Return a signer with a new key."""
        if algorithm == "EdDSA":
            return cls(kid, ed25519.Ed25519PrivateKey.generate(), algorithm)
        if algorithm.startswith("ES"):
            curve = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
            return cls(kid, ec.generate_private_key(curve[algorithm]), algorithm)
        return cls(kid, rsa.generate_private_key(65_537, 2_048), algorithm)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public key, as a JWKS file has it."""
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.key.public_key())
        known: dict[str, Any] = json.loads(public)
        return known | {"kid": self.kid, "use": "sig", "alg": self.algorithm}

    def token(
        self,
        tenant: object = "acme",
        headers: Mapping[str, object] | None = None,
        **changes: object,
    ) -> str:
        """Return a token for *tenant*, good for an hour unless *changes* say otherwise."""
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": time.time() + 3_600,
            "tenant": tenant,
        }
        shown = {"kid": self.kid, **(headers or {})}
        said = {name: value for name, value in (claims | changes).items() if value is not None}
        kept = {name: value for name, value in shown.items() if value is not None}
        return jwt.encode(said, self.key, self.algorithm, headers=kept)


def jwks(*signers: Signer) -> str:
    """Return a JWKS file."""
    return json.dumps({"keys": [signer.jwk for signer in signers]})

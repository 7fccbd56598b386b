"""Keys: the certificate authority that the guest trusts, and the keys that its packages are signed with."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from tests.e2e.bed.cache import Cache
from tests.e2e.bed.signing_key import SigningKey

DAYS = 3650
AUTHORITY, AUTHORITY_KEY = "authority.crt", "authority.key"
ARCHIVE, AGENT = "archive", "agent"


@dataclass(frozen=True)
class Certificate:
    """``private`` is its key, ``chain`` is itself and the authority's, all PEM."""

    private: str
    chain: str


@dataclass(frozen=True)
class Keys:
    """The folder with the keys of a cache."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Keys":
        """Those of the cache, made if there are none."""
        return cls(cache.part("keys", [DAYS, ARCHIVE, AGENT], _make))

    @property
    def authority(self) -> Path:
        """The certificate of the authority, PEM."""
        return self.folder / AUTHORITY

    @property
    def archive(self) -> SigningKey:
        """That of the apt archives."""
        return SigningKey(self.folder / ARCHIVE)

    @property
    def agent(self) -> SigningKey:
        """That of the package of the CloudWatch agent."""
        return SigningKey(self.folder / AGENT)

    def certify(self, names: Iterable[str], days: int = DAYS) -> Certificate:
        """A certificate for these names, signed by the authority."""
        authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
        signer = load_pem_private_key((self.folder / AUTHORITY_KEY).read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        draft = _draft("bed", authority.subject, key, days).add_extension(alternatives, critical=False)
        chain = draft.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM) + self.authority.read_bytes()
        return Certificate(_private(key).decode(), chain.decode())


def _make(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = "bed authority"
    draft = _draft(name, _subject(name), key, DAYS).add_extension(x509.BasicConstraints(True, None), critical=True)
    (folder / AUTHORITY).write_bytes(draft.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / AUTHORITY_KEY).write_bytes(_private(key))
    for owner in (ARCHIVE, AGENT):
        SigningKey.generate(folder / owner, f"bed {owner}")


def _draft(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

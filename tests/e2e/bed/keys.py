"""Keys: the certificate authority that the guest trusts, and the key that its apt archives are signed with."""

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
from tests.e2e.bed.command import run

YEARS = 10
AUTHORITY, AUTHORITY_KEY = "authority.crt", "authority.key"


@dataclass(frozen=True)
class Keys:
    """The folder with the keys of a cache."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Keys":
        """Those of the cache, made if there are none."""
        return cls(cache.part("keys", [YEARS], _make))

    @property
    def authority(self) -> Path:
        """The certificate of the authority, PEM."""
        return self.folder / AUTHORITY

    @property
    def archive(self) -> Path:
        """The public key of the apt archives, armored."""
        return self.folder / "archive.asc"

    @property
    def fingerprint(self) -> str:
        """Of the archive key, as ``gpg`` shows it: 40 hexadecimal digits."""
        return (self.folder / "fingerprint").read_text().strip()

    def sign(self, text: Path, signed: Path) -> None:
        """Write a text with its signature: apt's InRelease."""
        _gpg(self.folder, "--yes", "--clearsign", "--output", signed, text)

    def certify(self, names: Iterable[str], to: Path) -> None:
        """Write a certificate for these names, signed by the authority, with its key before it, PEM."""
        authority = x509.load_pem_x509_certificate(self.authority.read_bytes())
        signer = load_pem_private_key((self.folder / AUTHORITY_KEY).read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        draft = _draft("bed", authority.subject, key).add_extension(alternatives, critical=False)
        to.write_bytes(_private(key) + draft.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM))


def _make(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = "bed authority"
    draft = _draft(name, _subject(name), key).add_extension(x509.BasicConstraints(True, None), critical=True)
    (folder / AUTHORITY).write_bytes(draft.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    (folder / AUTHORITY_KEY).write_bytes(_private(key))
    (folder / "gnupg").mkdir(mode=0o700)
    _gpg(folder, "--passphrase", "", "--quick-generate-key", "bed archive", "rsa2048", "sign", "never")
    (folder / "archive.asc").write_text(_gpg(folder, "--export", "--armor"))
    told = _gpg(folder, "--with-colons", "--list-keys").splitlines()
    (folder / "fingerprint").write_text(next(line.split(":")[9] for line in told if line.startswith("fpr:")))


def _gpg(folder: Path, *words: str | Path) -> str:
    home = folder / "gnupg"
    try:
        return run("gpg", "--homedir", home, "--batch", "--quiet", *words)
    finally:
        # The agent that gpg starts would stay, and hold the folder.
        run("gpgconf", "--homedir", home, "--kill", "all")


def _draft(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_subject(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

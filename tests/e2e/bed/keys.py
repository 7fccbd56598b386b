"""Keys: the certificate authority that the guest trusts, and the key that its apt archives are signed with."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.e2e.bed.addresses import SERVED
from tests.e2e.bed.cache import Cache
from tests.e2e.bed.command import run

YEARS = 10


@dataclass(frozen=True)
class Keys:
    """The folder with the keys of a cache."""

    folder: Path

    @classmethod
    def kept(cls, cache: Cache) -> "Keys":
        """Those of the cache, made if there are none."""
        return cls(cache.part("keys", SERVED, _make))

    @property
    def authority(self) -> Path:
        """The certificate of the authority, PEM."""
        return self.folder / "authority.crt"

    @property
    def certificate(self) -> Path:
        """The certificate of all that is served, with its key, PEM."""
        return self.folder / "served.pem"

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


def _make(folder: Path) -> None:
    authority, authority_key = _certificate("bed authority", None, None)
    served, served_key = _certificate("bed", authority, authority_key)
    (folder / "authority.crt").write_bytes(_pem(authority))
    (folder / "served.pem").write_bytes(_private(served_key) + _pem(served))
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


def _certificate(
    name: str, issuer: x509.Certificate | None, issuer_key: ec.EllipticCurvePrivateKey | None
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
    )
    if issuer:
        names = x509.SubjectAlternativeName([x509.DNSName(served) for served in SERVED])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(issuer_key or key, hashes.SHA256()), key


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )

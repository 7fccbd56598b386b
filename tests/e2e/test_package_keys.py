"""Keys of packages, attacked: real GnuPG, apt and curl on this machine, in folders of the test and on loopback.

apt reads a key file otherwise than gpg does. Who stands between a machine and the publisher can write a file in which
gpg sees the publisher's key and nothing else, and apt sees a second one.
"""

from __future__ import annotations

import ipaddress
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from dify_aws.host.errors import CommandFailed, StepRefused
from dify_aws.host.packages.openpgp import primary_keys
from dify_aws.host.script import script
from dify_aws.host.steps.apt_repository import Keyring, fetch_key
from dify_aws.host.steps.signed_package import FETCH, VERIFY
from tests.e2e.bed.command import run
from tests.e2e.bed.signing_key import SigningKey
from tests.support.hosts import LocalHost

pytestmark = pytest.mark.usefixtures("able")


@dataclass
class Website:
    """An HTTPS server on loopback; ``pages`` has what it serves by path, ``moved`` where a path leads to."""

    url: str
    plain: str
    certificate: Path
    pages: dict[str, bytes] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)

    @property
    def host(self) -> LocalHost:
        """This machine, on which curl trusts the server."""
        return LocalHost(environ={"CURL_CA_BUNDLE": str(self.certificate)})


class Handler(BaseHTTPRequestHandler):
    def __init__(self, website: list[Website], *rest: object) -> None:
        self.website = website
        super().__init__(*rest)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def do_GET(self) -> None:
        (website,) = self.website
        to, page = website.moved.get(self.path), website.pages.get(self.path)
        self.send_response(302 if to else 200 if page is not None else 404)
        if to:
            self.send_header("Location", to)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        self.wfile.write(page or b"")


@pytest.fixture
def website(tmp_path: Path) -> Iterator[Website]:
    certificate, key = tmp_path / "server.crt", tmp_path / "server.key"
    _certify(certificate, key)
    here: list[Website] = []
    servers = [ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, here)) for _ in range(2)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    servers[0].socket = context.wrap_socket(servers[0].socket, server_side=True)
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    secure, plain = (f"127.0.0.1:{each.server_address[1]}" for each in servers)
    here.append(Website(f"https://{secure}", f"http://{plain}", certificate))
    yield here[0]
    for server in servers:
        server.shutdown()
        server.server_close()


def _certify(certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")]), datetime.now(UTC)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(address, critical=False)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(Encoding.PEM))
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.fixture(scope="module")
def publisher(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.generate(tmp_path_factory.mktemp("keys") / "publisher", "publisher")


@pytest.fixture(scope="module")
def attacker(tmp_path_factory: pytest.TempPathFactory) -> SigningKey:
    return SigningKey.generate(tmp_path_factory.mktemp("keys") / "attacker", "attacker")


@pytest.fixture
def crafted(publisher: SigningKey, attacker: SigningKey) -> bytes:
    """The publisher's key, and after it the attacker's in a block of a name that gpg ignores and apt does not."""
    hidden = attacker.public.read_text().replace("PGP PUBLIC KEY BLOCK", "SOMETHING ELSE")
    return (publisher.public.read_text() + hidden).encode()


def binary(*keys: SigningKey) -> bytes:
    """Keys one after the other, without armour."""
    export = ("gpg", "--batch", "--quiet", "--export", "--homedir")
    return b"".join(subprocess.run([*export, key.folder], capture_output=True, check=True).stdout for key in keys)


def apt_trusts(keyring: bytes, signer: SigningKey, folder: Path) -> bool:
    """Whether apt takes an archive that is signed by ``signer``, with this keyring."""
    folder.mkdir()
    archive = folder / "archive"
    archive.mkdir()
    (archive / "Packages").write_bytes(b"")
    release = run("apt-ftparchive", "release", archive)
    (folder / "Release").write_text(release)
    signer.clearsign(folder / "Release", archive / "InRelease")
    (folder / "keyring.asc").write_bytes(keyring)
    (folder / "sources.list").write_text(f"deb [signed-by={folder}/keyring.asc] file:{archive} ./\n")
    for needed in ("etc", "state/lists/partial", "cache/archives/partial"):
        (folder / needed).mkdir(parents=True)
    options: Mapping[str, object] = {
        "Dir::Etc": folder / "etc",
        "Dir::Etc::SourceList": folder / "sources.list",
        "Dir::State": folder / "state",
        "Dir::Cache": folder / "cache",
        "APT::Sandbox::User": "root",
        "APT::Update::Error-Mode": "any",
    }
    words = [f"--option={name}={value}" for name, value in options.items()]
    done = subprocess.run(
        ["apt-get", "--quiet", *words, "update"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0 or "signatures" in done.stdout + done.stderr, done.stderr
    return done.returncode == 0


def test_the_attack_is_one(crafted: bytes, publisher: SigningKey, attacker: SigningKey, tmp_path: Path) -> None:
    """The bytes as they are downloaded: gpg shows the publisher's key alone, and apt trusts the attacker."""
    (tmp_path / "downloaded").write_bytes(crafted)
    shown = run("gpg", "--homedir", attacker.folder, "--show-keys", "--with-colons", tmp_path / "downloaded")
    assert primary_keys(shown) == {publisher.fingerprint}
    assert apt_trusts(crafted, attacker, tmp_path / "attacked")


def test_a_key_that_only_apt_reads_is_not_trusted(
    website: Website, crafted: bytes, publisher: SigningKey, attacker: SigningKey, tmp_path: Path
) -> None:
    """What is put in place is what gpg exports: apt goes on to trust the publisher, and nobody else."""
    website.pages["/gpg"] = crafted
    key = fetch_key(website.host, f"{website.url}/gpg", publisher.fingerprint, folder=str(tmp_path / "keyrings"))
    assert apt_trusts(key, publisher, tmp_path / "good")
    assert not apt_trusts(key, attacker, tmp_path / "bad")


def test_a_keyring_that_has_something_besides_is_seen(
    website: Website, crafted: bytes, publisher: SigningKey, tmp_path: Path
) -> None:
    """As an earlier version of this library may have left it; and what we write is seen to be right."""
    keyring = tmp_path / "publisher.asc"
    fact = Keyring(str(keyring), publisher.fingerprint)
    keyring.write_bytes(crafted)
    state = website.host.ask([fact])[fact]
    assert state.fingerprints == {publisher.fingerprint}
    assert not state.exact
    website.pages["/gpg"] = publisher.public.read_bytes()
    keyring.write_bytes(fetch_key(website.host, f"{website.url}/gpg", publisher.fingerprint, folder=str(tmp_path)))
    assert website.host.ask([fact])[fact].exact


def test_a_second_key_in_the_open_is_refused(
    website: Website, publisher: SigningKey, attacker: SigningKey, tmp_path: Path
) -> None:
    """Whichever comes first, with armour or without."""
    blocks = attacker.public.read_bytes() + publisher.public.read_bytes()
    for offered in (binary(publisher, attacker), binary(attacker, publisher), blocks):
        website.pages["/gpg"] = offered
        with pytest.raises(StepRefused, match=attacker.fingerprint):
            fetch_key(website.host, f"{website.url}/gpg", publisher.fingerprint, folder=str(tmp_path))


@pytest.mark.parametrize(
    "page", [b"<html>", b"", b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAAA\n"], ids=["page", "none", "half"]
)
def test_what_is_no_key_is_refused(website: Website, publisher: SigningKey, page: bytes, tmp_path: Path) -> None:
    """With the fingerprint that was wanted."""
    website.pages["/gpg"] = page
    with pytest.raises(StepRefused, match=f"(?s){publisher.fingerprint}.*no key at all"):
        fetch_key(website.host, f"{website.url}/gpg", publisher.fingerprint, folder=str(tmp_path))


def test_no_download_follows_to_plain_http(website: Website, publisher: SigningKey, tmp_path: Path) -> None:
    """Where anybody on the way could answer: neither a key, nor a package, nor its signature. To https it does."""
    website.pages |= {"/gpg": publisher.public.read_bytes(), "/package": b"package", "/signature": b"signature"}
    website.moved = {"/down/gpg": f"{website.plain}/gpg", "/along/gpg": f"{website.url}/gpg"}
    keys = {"fingerprint": publisher.fingerprint, "folder": str(tmp_path / "keyrings")}
    assert fetch_key(website.host, f"{website.url}/along/gpg", **keys)
    with pytest.raises(CommandFailed, match=r"[Pp]rotocol"):
        fetch_key(website.host, f"{website.url}/down/gpg", **keys)
    urls = [f"{website.url}{path}" for path in ("/gpg", "/package", "/signature")]
    folder = str(tmp_path / "package")
    assert website.host.run(script(FETCH, folder, *urls)).ok
    for position, path in enumerate(("/gpg", "/package", "/signature")):
        website.moved[f"/down{path}"] = f"{website.plain}{path}"
        down = [*urls[:position], f"{website.url}/down{path}", *urls[position + 1 :]]
        assert website.host.run(script(FETCH, folder, *down)).status == 1


@pytest.fixture
def download(tmp_path: Path, publisher: SigningKey) -> Path:
    """A package and the publisher's key, as they are downloaded, with no signature yet."""
    folder = tmp_path / "download"
    folder.mkdir(mode=0o700)
    (folder / "package.deb").write_bytes(b"a package")
    (folder / "key").write_bytes(publisher.public.read_bytes())
    return folder


def verified(folder: Path, publisher: SigningKey) -> bool:
    """Whether gpgv finds the signature good, by the keyring that was made for it."""
    done = LocalHost().run(script(VERIFY, str(folder), publisher.fingerprint))
    return done.ok and f"VALIDSIG {publisher.fingerprint}" in done.stdout


def test_a_package_counts_by_the_one_key_alone(
    download: Path, publisher: SigningKey, attacker: SigningKey, crafted: bytes
) -> None:
    """Whatever else is in the download: in the keyring that gpgv is given, there is one key."""
    both = publisher.public.read_bytes() + attacker.public.read_bytes()
    for offered in (publisher.public.read_bytes(), crafted, both, binary(attacker, publisher)):
        (download / "key").write_bytes(offered)
        publisher.sign(download / "package.deb", download / "signature")
        assert verified(download, publisher)
        listed = run("gpg", "--homedir", publisher.folder, "--show-keys", "--with-colons", download / "keyring.gpg")
        assert primary_keys(listed) == {publisher.fingerprint}
        attacker.sign(download / "package.deb", download / "signature")
        assert not verified(download, publisher)

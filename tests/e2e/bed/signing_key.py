"""SigningKey: a GnuPG key that something the guest downloads is signed with."""

from dataclasses import dataclass
from pathlib import Path

from tests.e2e.bed.command import run

PUBLIC, FINGERPRINT = "public.asc", "fingerprint"


@dataclass(frozen=True)
class SigningKey:
    """The key in a folder."""

    folder: Path

    @classmethod
    def generate(cls, folder: Path, owner: str) -> "SigningKey":
        """A new one, in a folder that is not there yet."""
        folder.mkdir(mode=0o700)
        key = cls(folder)
        key._gpg("--passphrase", "", "--quick-generate-key", owner, "rsa2048", "sign", "never")
        key.public.write_text(key._gpg("--export", "--armor"))
        result = key._gpg("--with-colons", "--list-keys").splitlines()
        (folder / FINGERPRINT).write_text(next(line.split(":")[9] for line in result if line.startswith("fpr:")))
        return key

    @property
    def public(self) -> Path:
        """The public key, armored."""
        return self.folder / PUBLIC

    @property
    def fingerprint(self) -> str:
        """As ``gpg`` shows it: 40 hexadecimal digits."""
        return (self.folder / FINGERPRINT).read_text()

    def clearsign(self, text: Path, signed: Path) -> None:
        """Write a text with its signature: apt's InRelease."""
        self._gpg("--yes", "--clearsign", "--output", signed, text)

    def sign(self, file: Path, signature: Path) -> None:
        """Write the signature of a file beside it."""
        self._gpg("--yes", "--detach-sign", "--output", signature, file)

    def _gpg(self, *words: str | Path) -> str:
        try:
            return run("gpg", "--homedir", self.folder, "--batch", "--quiet", *words)
        finally:
            # The agent that gpg starts would stay, and hold the folder.
            run("gpgconf", "--homedir", self.folder, "--kill", "all")

"""Layer: the files of a container image, as one compressed archive."""

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Layer:
    """Files by path. What is put where something is replaces it: Docker refuses a path that comes twice."""

    files: dict[str, tuple[tarfile.TarInfo, bytes]] = field(default_factory=dict)

    def put(self, about: tarfile.TarInfo, content: bytes = b"") -> None:
        """Put what a tar archive tells of a file."""
        about.name = about.name.removeprefix("./").strip("/")
        about.size = len(content)
        self.files[about.name] = (about, content)

    def file(self, path: str, content: bytes | str, mode: int = 0o644) -> None:
        """Put a plain file."""
        about = tarfile.TarInfo(path)
        about.mode = mode
        self.put(about, content.encode() if isinstance(content, str) else content)

    def folder(self, path: str, mode: int = 0o755) -> None:
        """Put a folder, unless there is one."""
        if path not in self.files:
            about = tarfile.TarInfo(path)
            about.type, about.mode = tarfile.DIRTYPE, mode
            self.put(about)

    def link(self, path: str, target: str) -> None:
        """Put a symbolic link, unless something is there."""
        if path not in self.files:
            about = tarfile.TarInfo(path)
            about.type, about.linkname, about.mode = tarfile.SYMTYPE, target, 0o777
            self.put(about)

    def packed(self) -> tuple[bytes, str]:
        """The archive, compressed, and the digest of what it is without compression."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for about, content in self.files.values():
                archive.addfile(about, io.BytesIO(content) if about.isreg() else None)
        plain = buffer.getvalue()
        return gzip.compress(plain, 1, mtime=0), f"sha256:{hashlib.sha256(plain).hexdigest()}"

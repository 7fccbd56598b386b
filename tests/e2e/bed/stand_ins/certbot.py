"""Stands for certbot: proves by HTTP that a domain is ours, gets a certificate for it, and keeps it where certbot does.

Its certificate authority looks at the proof from outside, as Let's Encrypt does: see tests/e2e/bed/acme.py. What goes
between the two is not ACME.
"""

import argparse
import json
import secrets
import ssl
import subprocess
import sys
from collections.abc import Mapping
from http.client import HTTPSConnection
from pathlib import Path

HOME = Path("/etc/letsencrypt")
AUTHORITY, STAGING = "acme-v02.api.letsencrypt.org", "acme-staging-v02.api.letsencrypt.org"
RENEWED_BEFORE = 30 * 86400


def main() -> None:
    """``certbot certonly --webroot``, and nothing else."""
    result = _show()
    live = HOME / "live" / result.cert_name
    if result.keep_until_expiring and not result.dry_run and _lasts(live / "cert.pem"):
        sys.stdout.write("Certificate not yet due for renewal; no action taken.\n")
        return
    token, proof = secrets.token_urlsafe(16), secrets.token_urlsafe(32)
    challenge = Path(result.webroot_path) / ".well-known/acme-challenge" / token
    challenge.parent.mkdir(parents=True, exist_ok=True)
    challenge.write_text(proof)
    try:
        answer = _order(STAGING if result.dry_run else AUTHORITY, f"/acme/{result.domain}/{token}/{proof}")
    finally:
        challenge.unlink()
    if result.dry_run:
        sys.stdout.write("The dry run was successful.\n")
        return
    _keep(result.cert_name, answer)
    if not result.quiet:
        sys.stdout.write(f"Successfully received certificate.\nCertificate is saved at: {live}/fullchain.pem\n")


def _show() -> argparse.Namespace:
    parser = argparse.ArgumentParser("certbot")
    parser.add_argument("command", choices=["certonly"])
    for flag in ("keep-until-expiring", "dry-run", "quiet"):
        parser.add_argument(f"--{flag}", action="store_true")
    for needed in ("non-interactive", "agree-tos", "no-eff-email", "webroot"):
        parser.add_argument(f"--{needed}", action="store_true", required=True)
    for option in ("webroot-path", "cert-name", "domain", "email"):
        parser.add_argument(f"--{option}", required=True)
    parser.add_argument("--key-type", choices=["ecdsa"], required=True)
    return parser.parse_args()


def _lasts(certificate: Path) -> bool:
    words = ["openssl", "x509", "-noout", "-checkend", str(RENEWED_BEFORE), "-in", str(certificate)]
    return certificate.exists() and not subprocess.run(words, capture_output=True, check=False).returncode


def _order(authority: str, path: str) -> Mapping[str, str]:
    connection = HTTPSConnection(authority, timeout=60, context=ssl._create_unverified_context())
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        text = answer.read().decode()
    except OSError as error:
        sys.exit(f"An unexpected error occurred:\n{authority}: {error}")
    if answer.status != 200:
        sys.exit(f"Certbot failed to authenticate some domains (authenticator: webroot).\n{answer.status}: {text}")
    certificate: Mapping[str, str] = json.loads(text)
    return certificate


def _keep(name: str, files: Mapping[str, str]) -> None:
    """Each certificate under the next number, and the links to the newest."""
    archive, live = HOME / "archive" / name, HOME / "live" / name
    archive.mkdir(parents=True, exist_ok=True)
    live.mkdir(parents=True, exist_ok=True)
    number = len(list(archive.glob("cert*.pem"))) + 1
    for part, text in files.items():
        file, link = archive / f"{part}{number}.pem", live / f"{part}.pem"
        file.touch(0o600 if part == "privkey" else 0o644)
        file.write_text(text)
        link.unlink(missing_ok=True)
        link.symlink_to(f"../../archive/{name}/{file.name}")


if __name__ == "__main__":
    main()

"""DependencyAudit: known vulnerabilities of the installed packages, as PyPI and, after it, OSV tell pip-audit.

A vulnerability is an error. Where no service answers (a machine that reaches only a mirror), that is said, and is none.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

IGNORED: Final[Mapping[str, str]] = {}
"""Vulnerabilities that do not concern us, by id, each with its reason."""

UNREACHABLE: Final = re.compile(r"ConnectionError|ConnectTimeout|ReadTimeout|ServiceError|HTTPError")
"""How pip-audit ends when a service does not answer."""

SECONDS: Final = 15


@dataclass(frozen=True)
class Audit:
    """What one service said: the vulnerabilities, how many packages it knows, and the names of those it does not."""

    vulnerable: tuple[str, ...]
    known: int
    unknown: tuple[str, ...]


def ask(service: str, *options: str) -> Audit | None:
    """Ask one service; None if it does not answer.

    Raises:
        RuntimeError: pip-audit failed for another reason.
    """
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    command += ["--vulnerability-service", service, "--timeout", str(SECONDS), "--skip-editable", *options]
    command += [f"--ignore-vuln={each}" for each in IGNORED]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        if UNREACHABLE.search(ended.stderr):
            return None
        raise RuntimeError(f"pip-audit failed ({ended.returncode}):\n{ended.stderr}") from None
    packages = answer["dependencies"]
    vulnerable = [
        f"{package['name']} {package['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'none'}"
        for package in packages
        for each in package.get("vulns", ())
    ]
    # Ourselves, as installed from here, are on no index.
    skipped = [package["name"] for package in packages if "skip_reason" in package and package["name"] != "dify-aws"]
    return Audit(tuple(vulnerable), len([each for each in packages if "vulns" in each]), tuple(skipped))


def main(arguments: Sequence[str] | None = None) -> int:
    """Ask PyPI and, for what it does not know, OSV; 1 if there is a vulnerability."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--service", action="append", choices=("pypi", "osv"), help="whom to ask (default: both)")
    parser.add_argument("options", nargs="*", help="further options of pip-audit, after --")
    chosen = parser.parse_args(arguments)
    for service in chosen.service or ("pypi", "osv"):
        audit = ask(service, *chosen.options)
        if audit is None:
            print(f"NOT AUDITED by {service}: it does not answer")
            continue
        for each in audit.vulnerable:
            print(f"VULNERABLE: {each}")
        print(f"{service}: {audit.known} packages audited, {len(audit.vulnerable)} vulnerabilities")
        if audit.unknown:
            names = f"{', '.join(audit.unknown[:5])}{', …' if len(audit.unknown) > 5 else ''}"
            print(f"NOT AUDITED by {service}, which does not know them: {len(audit.unknown)} packages ({names})")
        if audit.vulnerable:
            return 1
        if not audit.unknown:
            return 0
    print("No service has audited all packages: this machine reaches neither pypi.org nor api.osv.dev. No error.")
    return 0


if __name__ == "__main__":
    sys.exit(main())

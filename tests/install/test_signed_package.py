"""SignedPackage: what GnuPG says of a download decides whether it is installed. What it says is recorded from 2.2."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from dify_aws.host.errors import CommandFailed
from dify_aws.host.fact import Answer
from dify_aws.host.host import Result
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.script import script
from dify_aws.host.steps.signed_package import FETCH, INSTALL, VERIFY, PackageUntrusted, SignedPackage
from dify_aws.regions import REGIONS
from dify_aws.runtimes.compose.agent import agent_package
from tests.support.hosts import ScriptedHost

OURS: Final = "29EBD66F796DD67EE17DE38A8DACB05899245729"
THEIRS: Final = "B1921F20E20CBD1B76A6090C0C28BFE4FD01C941"
FOLDER: Final = "/var/cache/dify-aws/toy"
TOY: Final = SignedPackage(
    package="toy", url="https://example.com/toy.deb", key_url="https://example.com/key.gpg", fingerprint=OURS
)


def key(fingerprint: str) -> str:
    return f"pub:-:2048:1:{fingerprint[-16:]}:1795479166:::-:::scSC::::::23::0:\nfpr:::::::::{fingerprint}:\n"


def valid(fingerprint: str) -> str:
    return f"[GNUPG:] VALIDSIG {fingerprint} 2026-11-24 1795479166 0 4 0 1 10 00 {fingerprint}\n"


GOOD: Final = f"[GNUPG:] NEWSIG\n[GNUPG:] GOODSIG {OURS[-16:]} T <t@example.com>\n"
MISSING: Final = f"[GNUPG:] ERRSIG {THEIRS[-16:]} 1 10 00 1795479582 9 {THEIRS}\n[GNUPG:] NO_PUBKEY {THEIRS[-16:]}\n"


@dataclass
class Downloading(ScriptedHost):
    """A host where the toy is not installed; ``said`` is what comes of its scripts, by their body."""

    content: dict[str, tuple[int, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__init__({"downloaded package toy": Answer()})

    def run(self, script: str, **how: Any) -> Result:
        super().run(script)
        status, out = self.content.get(script.partition("\n")[2], (0, ""))
        return Result(script, status, out.encode(), b"" if status == 0 else b"what the host says")

    @property
    def bodies(self) -> list[str]:
        return [done["run"].partition("\n")[2] or done["run"] for done in self.does]


def apply(host: Downloading, step: SignedPackage = TOY) -> None:
    step.apply(host, step.check(host.ask(step.facts())))


REMOVAL: Final = f"rm -rf -- {FOLDER}"


def test_it_is_downloaded_verified_installed_and_cleaned_up() -> None:
    """In this order; and no address and no path is anything but an argument."""
    host = Downloading({VERIFY: (0, key(OURS) + GOOD + valid(OURS))})
    apply(host)
    assert host.bodies == [FETCH, VERIFY, INSTALL, REMOVAL]
    urls = (TOY.key_url, TOY.url, f"{TOY.url}.sig")
    assert host.does[0]["run"] == script(FETCH, FOLDER, *urls)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ((1, key(OURS) + f"[GNUPG:] BADSIG {OURS[-16:]} T\n"), "not what was signed"),
        ((2, key(OURS) + MISSING), THEIRS[-16:]),
        ((0, key(THEIRS) + GOOD + valid(THEIRS)), f"met:    {THEIRS}\n  wished: {OURS}"),
        ((0, key(OURS) + key(THEIRS) + GOOD + valid(THEIRS)), f"met:    {THEIRS}\n  wished: {OURS}"),
        # gpgv says 0 to these two.
        ((0, key(OURS) + f"[GNUPG:] EXPKEYSIG {OURS[-16:]} T\n" + valid(OURS)), "no longer good"),
        ((0, key(OURS) + f"[GNUPG:] REVKEYSIG {OURS[-16:]} T\n" + valid(OURS)), "no longer good"),
        ((2, ""), "no key at all"),
        ((2, key(OURS) + "[GNUPG:] NODATA 2\n"), "what the host says"),
        ((0, key(OURS)), "not by that key"),
    ],
    ids=[
        "tampered",
        "other signer",
        "other key",
        "two keys",
        "expired",
        "revoked",
        "no key",
        "no signature",
        "silence",
    ],
)
def test_what_is_not_signed_by_whom_it_should_be_is_not_installed(text: tuple[int, str], message: str) -> None:
    """It is refused with both fingerprints, and deleted."""
    host = Downloading({VERIFY: text})
    with pytest.raises(PackageUntrusted) as caught:
        apply(host)
    assert message in str(caught.value)
    assert OURS in str(caught.value)
    assert host.bodies == [FETCH, VERIFY, REMOVAL]


@pytest.mark.parametrize(
    ("status", "remedy"),
    [(6, "DNS settings"), (22, "not there"), (23, "df -h"), (28, "route table"), (92, "Run again")],
)
def test_a_download_that_breaks_leaves_nothing(status: int, remedy: str) -> None:
    """It says why as a person would, and nothing was installed."""
    host = Downloading({FETCH: (status, "")})
    with pytest.raises(CommandFailed, match=remedy):
        apply(host)
    assert host.bodies == [FETCH, REMOVAL]


def test_an_installation_that_breaks_leaves_no_download() -> None:
    """The next run starts from the beginning."""
    host = Downloading({VERIFY: (0, key(OURS) + GOOD + valid(OURS)), INSTALL: (100, "")})
    with pytest.raises(CommandFailed, match="dpkg --configure -a"):
        apply(host)
    assert host.bodies == [FETCH, VERIFY, INSTALL, REMOVAL]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fingerprint": "3B789C72"},
        {"url": "http://example.com/toy.deb"},
        {"package": "toy; reboot"},
        {"key_url": "key"},
    ],
    ids=str,
)
def test_what_would_be_no_check_is_refused_at_once(wrong: dict[str, str]) -> None:
    """A short key id can be forged, and plain HTTP be answered by anybody."""
    desired = {"package": "toy", "url": TOY.url, "key_url": TOY.key_url, "fingerprint": OURS}
    with pytest.raises(ValueError, match=r"fingerprint|https|no name"):
        SignedPackage(**(desired | wrong))


def test_the_agent_comes_from_its_region() -> None:
    """From the bucket there, which the S3 endpoint of the VPC leads to; in China under another domain."""
    urls = {region: agent_package(region, Publishers().cloudwatch_agent).url for region in REGIONS}
    path = "ubuntu/amd64/latest/amazon-cloudwatch-agent.deb"
    assert urls["eu-west-1"] == f"https://amazoncloudwatch-agent-eu-west-1.s3.eu-west-1.amazonaws.com/{path}"
    assert urls["cn-north-1"] == f"https://amazoncloudwatch-agent-cn-north-1.s3.cn-north-1.amazonaws.com.cn/{path}"
    assert all(region in url for region, url in urls.items())

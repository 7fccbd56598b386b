"""HTTPS: where a domain has to lead, what the certificate authority says and what it means, and what nginx is told."""

from __future__ import annotations

import re

import pytest

from dify_aws.host.errors import CommandFailed
from dify_aws.offline.clock import VirtualClock
from dify_aws.offline.machine.host import ModelHost
from dify_aws.offline.machine.machine import Machine
from dify_aws.runtimes.compose.https.certificate_errors import ADVICE, OTHERWISE, advice
from dify_aws.runtimes.compose.https.domain import DomainElsewhere, points_to
from dify_aws.runtimes.compose.steps.certificate import LIVE, PROGRAM, Certificate, CertificateOf, CertificateState
from tests.support.bundles import bundle

DOMAIN = "dify.example.com"
OURS = "203.0.113.7"


def test_a_domain_that_leads_to_the_machine_is_fine() -> None:
    """However often it says so."""
    points_to(DOMAIN, [OURS, OURS], OURS)
    points_to(DOMAIN, ["2001:db8:0::7"], "2001:db8::7")


@pytest.mark.parametrize(
    ("found", "says", "never"),
    [
        ([], ["leads nowhere", f"make    {DOMAIN}. 300 IN A {OURS}"], "remove"),
        (["198.51.100.1"], [f"make    {DOMAIN}. 300 IN A {OURS}", f"remove  {DOMAIN}. IN A 198.51.100.1"], "as well"),
        ([OURS, "198.51.100.1"], ["to 198.51.100.1 as well", f"remove  {DOMAIN}. IN A 198.51.100.1"], "make"),
        (
            [OURS, "2001:db8::1"],
            [f"remove  {DOMAIN}. IN AAAA 2001:db8::1  (Let's Encrypt would go there first)"],
            "make",
        ),
    ],
    ids=["nowhere", "elsewhere", "two", "IPv6 elsewhere"],
)
def test_a_domain_that_leads_elsewhere_is_reported_with_the_records(
    found: list[str], says: list[str], never: str
) -> None:
    """Those to make and those to remove, ready to be typed."""
    with pytest.raises(DomainElsewhere) as caught:
        points_to(DOMAIN, found, OURS)
    assert all(words in str(caught.value) for words in says)
    assert never not in str(caught.value)


# As certbot 5 and the boulder of Let's Encrypt say it.
OUTPUTS = {
    "rate limit": (
        "An unexpected error occurred:\ntoo many certificates (5) already issued for this exact set of identifiers in "
        "the last 168h0m0s, retry after 2026-11-25 10:11:12 UTC: see https://letsencrypt.org/docs/rate-limits/",
        "rate-limits",
    ),
    "failed too often": ('too many failed authorizations (5) for "dify.example.com" in the last 1h0m0s', "rate-limits"),
    "port 80": (
        "  Type:   connection\n  Detail: 203.0.113.7: Fetching http://dify.example.com/.well-known/acme-challenge/x: "
        "Timeout during connect (likely firewall problem)",
        "web_cidrs",
    ),
    "no record": ("  Type:   dns\n  Detail: DNS problem: NXDOMAIN looking up A for dify.example.com", "A record"),
    "caa": ("urn:ietf:params:acme:error:caa :: CAA record for example.com prevents issuance", "letsencrypt.org"),
    "somebody else": (
        "  Type:   unauthorized\n  Detail: 198.51.100.1: Invalid response from http://dify.example.com/…: 404",
        "not this machine",
    ),
    "email": ("Unable to register an account with ACME server. contact email has invalid domain", "`email`"),
    "foreign files": ("live directory exists for dify.example.com", "Move it away"),
    "no image": ("Error response from daemon: manifest for certbot/certbot:v9 not found: manifest unknown", "`images`"),
    "disk full": ("OSError: [Errno 28] No space left on device", "data_volume_gib"),
    "no network": ("HTTPSConnectionPool(host='acme-v02…'): Max retries exceeded (NameResolutionError)", "reach the"),
}


@pytest.mark.parametrize(("text", "remedy"), OUTPUTS.values(), ids=OUTPUTS)
def test_each_refusal_has_its_way_out(text: str, remedy: str) -> None:
    """What to do, and that Dify is still there."""
    result = advice(DOMAIN, text)
    assert remedy in result
    assert result.endswith("Dify answers meanwhile as it did before.")
    assert OTHERWISE not in result


def test_no_advice_is_for_nothing() -> None:
    """Each is given to one of these refusals; and what nobody has thought of is not explained away."""
    given = {next(pattern for pattern in ADVICE if re.search(pattern, text)) for text, _ in OUTPUTS.values()}
    assert given == set(ADVICE)
    assert OTHERWISE in advice(DOMAIN, "Segmentation fault")


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def machine(clock: VirtualClock) -> Machine:
    """A model machine with the files of a Dify with a domain."""
    made = Machine("model", clock)
    made.files.make_directories("/opt/dify/bin")
    ModelHost(made).write(PROGRAM, bundle(https=True).files["bin/certificate"].text.encode(), mode=0o755)
    return made


def state(machine: Machine) -> CertificateState:
    fact = CertificateOf(DOMAIN)
    return ModelHost(machine).ask([fact])[fact]


def changes(machine: Machine) -> list[str]:
    step = Certificate(domain=DOMAIN)
    return [str(change) for change in step.check(ModelHost(machine).ask(step.facts()))]


def get(machine: Machine) -> None:
    step = Certificate(domain=DOMAIN)
    host = ModelHost(machine)
    step.apply(host, step.check(host.ask(step.facts())))


def test_it_is_got_once_and_kept(machine: Machine, clock: VirtualClock) -> None:
    """And got again when somebody took it away, or the timer has not renewed it."""
    assert not state(machine).usable
    get(machine)
    assert state(machine).usable
    assert changes(machine) == []
    machine.files.remove(f"{LIVE}/{DOMAIN}")
    get(machine)
    clock.advance(85 * 86400)
    assert changes(machine) == ["valid for: 5 days → at least 10 days"]
    get(machine)
    assert changes(machine) == []


def test_a_refusal_of_the_authority_is_reported_with_its_message_and_a_remedy(machine: Machine) -> None:
    """And nothing of it is left on the machine, so that the next run asks again."""
    machine.authority.refusal = OUTPUTS["port 80"][0]
    with pytest.raises(CommandFailed, match=r"(?s)Timeout during connect.*web_cidrs"):
        get(machine)
    assert not state(machine).there
    machine.authority.refusal = ""
    get(machine)
    assert state(machine).usable


def test_one_for_trials_is_replaced(machine: Machine) -> None:
    """By one that browsers trust, as soon as nobody wishes for trials any more."""
    host = ModelHost(machine)
    trial = Certificate(domain=DOMAIN, server="https://acme-staging-v02.api.letsencrypt.org/directory")
    trial.apply(host, trial.check(host.ask(trial.facts())))
    assert state(machine).for_trials
    assert trial.check(host.ask(trial.facts())) == ()
    get(machine)
    assert not state(machine).for_trials


def test_nginx_speaks_only_what_is_safe() -> None:
    """TLS 1.2 and 1.3 with forward secrecy and authenticated encryption, HTTP/2, HSTS; and http leads to https."""
    plain, _, secure = bundle(https=True).files["nginx/nginx.conf"].text.partition("listen 443 ssl")
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in secure
    (ciphers,) = re.findall(r"ssl_ciphers ([^;]*);", secure)
    assert all(
        re.fullmatch(r"ECDHE-(ECDSA|RSA)-(AES\d+-GCM-SHA\d+|CHACHA20-POLY1305)", one) for one in ciphers.split(":")
    )
    assert secure.startswith(" http2 default_server;")
    assert re.search(r'Strict-Transport-Security "max-age=\d{8}" always', secure)
    assert f"return 301 https://{DOMAIN}$request_uri;" in plain


def test_the_program_tells_nginx_only_of_a_new_certificate() -> None:
    """By comparing with what nginx was last told of; noted after it was told, so that no death between loses it."""
    text = bundle(https=True).files["bin/certificate"].text
    compared, result, noted = (
        text.index(words) for words in ('"$now" != "$(cat', "kill --signal HUP", '>"$certbot/read"')
    )
    assert text.index("certonly") < compared < result < noted
    assert "restart" not in text

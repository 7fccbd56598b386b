"""HTTPS and the CloudWatch agent on a real machine: certbot's way in, nginx's TLS, GnuPG, dpkg, systemd, StatsD."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dify_aws.host.converge import converge_host
from dify_aws.host.errors import InstallFailed
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.host.step import Step
from dify_aws.host.steps.directory import Directory
from dify_aws.host.steps.file import File
from dify_aws.host.steps.service import Service
from dify_aws.runtimes.compose.agent import UNIT, agent_answers, agent_package
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.paths import AGENT
from dify_aws.runtimes.compose.steps.certificate import Certificate, CertificateOf, CertificateState
from dify_aws.secrets import Secret
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.troubles import cut_at
from tests.support.bundles import bundle

DOMAIN = "dify.example.com"
HOME, UNITS = "/opt/dify", "/etc/systemd/system"
PROGRAM = f"{HOME}/bin/certificate"
CERTBOT = "/data/dify/certbot"
COMPOSE = f"docker compose --project-directory {HOME}"
PURGE = f"dpkg --purge amazon-cloudwatch-agent 2>&1; rm -rf /opt/aws /var/cache/dify-aws {UNITS}/dify-metrics.*"
SERVED = (
    f"openssl s_client -connect localhost:443 -servername {DOMAIN} </dev/null 2>/dev/null | openssl x509 -noout -serial"
)
REQUEST = f"curl --silent --insecure --resolve {DOMAIN}:443:127.0.0.1 --resolve {DOMAIN}:80:127.0.0.1"


@pytest.fixture
def host(docker: Bed) -> Iterator[SshHost]:
    """The machine, with Docker on it."""
    with SshHost(docker.host, docker.user, key=Secret(docker.key), host_key=docker.host_key, port=docker.port) as host:
        yield host


def made(*, https: bool) -> Bundle:
    return bundle(domain=DOMAIN, email="ops@your-company.com") if not https else bundle(https=True)


def bring_up_nginx(bed: Bed, *, https: bool) -> None:
    """Without what it stands before: it starts all the same, since it looks names up when it needs them."""
    result = made(https=https)
    for path, file in result.files.items():
        if not path.startswith("/"):
            bed.write(f"{HOME}/{path}", file.text, file.mode)
    for path in result.directories:
        bed.inside(f"mkdir -p {path}")
    for path in result.logs:
        bed.inside(f"[ -f {path} ] || install -m 640 /dev/null {path}")
    bed.inside(f"{COMPOSE} pull --quiet nginx 2>&1; {COMPOSE} up --detach --no-deps nginx 2>&1")
    # Its health check is slower than this.
    answers = "curl --silent --insecure --head --output /dev/null"
    bed.inside(f"until {answers} http{'s' if https else ''}://localhost/; do sleep 0.1; done")


@pytest.fixture
def nginx(docker: Bed) -> Iterator[Bed]:
    """nginx answers on port 80, the domain leads to it, and there is no certificate."""
    docker.point(DOMAIN)
    docker.certify_for(90)
    bring_up_nginx(docker, https=False)
    yield docker
    docker.inside(f"{COMPOSE} down --timeout 1 2>&1; systemctl disable --now dify-certificate.timer 2>&1 || true")
    docker.inside(f"rm -rf {HOME} /data/dify {UNITS}/dify-certificate.*; systemctl daemon-reload")


def certificate(host: SshHost) -> CertificateState:
    fact = CertificateOf(DOMAIN)
    return host.ask([fact])[fact]


def workers(bed: Bed) -> set[str]:
    """The processes of nginx that serve: a reload replaces them, and nothing else does."""
    return set(bed.inside("pgrep -f '^nginx: worker'").split())


def reloaded(bed: Bed, before: set[str]) -> None:
    until = time.monotonic() + 20
    while workers(bed) & before:
        assert time.monotonic() < until, "nginx was not told"
        time.sleep(0.2)


def test_the_first_certificate_then_https(host: SshHost, nginx: Bed) -> None:
    """Got through nginx on port 80, once; then served, with all that a browser should find."""
    step = Certificate(domain=DOMAIN)
    assert not certificate(host).there
    assert converge_host(host, [step])
    assert certificate(host).usable
    assert not converge_host(host, [step])

    bring_up_nginx(nginx, https=True)
    headers = nginx.inside(f"{REQUEST} --http2 --head https://{DOMAIN}/")
    assert headers.startswith("HTTP/2 ")
    assert "strict-transport-security: max-age=" in headers
    moved = nginx.inside(f"{REQUEST} --head 'http://{DOMAIN}/apps?page=2'")
    assert "301 Moved" in moved
    assert f"Location: https://{DOMAIN}/apps?page=2" in moved
    # The client's own configuration, and its level of security, would not even ask.
    old = "OPENSSL_CONF=/dev/null openssl s_client -connect localhost:443 -tls1_1 -cipher ALL:@SECLEVEL=0"
    assert "alert protocol version" in nginx.inside(f"{old} </dev/null 2>&1 || true")


def test_a_renewal_reaches_nginx_without_a_restart_and_nothing_else_does(host: SshHost, nginx: Bed) -> None:
    """By the unit of the timer. One that is not due leaves nginx alone, and one that nginx missed is told later."""
    nginx.certify_for(20)  # is due from the first day on
    converge_host(host, [Certificate(domain=DOMAIN)])
    bring_up_nginx(nginx, https=True)
    for unit in ("dify-certificate.service", "dify-certificate.timer"):
        nginx.write(f"{UNITS}/{unit}", made(https=True).files[f"{UNITS}/{unit}"].text)
    assert converge_host(host, [Service(unit="dify-certificate.timer")])
    since = "docker inspect --format '{{.State.StartedAt}}' $(docker ps --quiet --filter name=nginx)"
    started, serial, before = nginx.inside(since), nginx.inside(SERVED), workers(nginx)

    nginx.certify_for(90)
    nginx.inside("systemctl start dify-certificate.service")
    reloaded(nginx, before)
    assert nginx.inside(SERVED) != serial
    assert nginx.inside(since) == started

    before = workers(nginx)
    nginx.inside(f"{PROGRAM} --quiet")
    time.sleep(1)
    assert workers(nginx) == before

    # As after a death between the renewal and nginx's being told.
    nginx.inside(f"rm {CERTBOT}/read; {PROGRAM} --quiet")
    reloaded(nginx, before)


def test_why_there_is_no_certificate_is_reported(host: SshHost, nginx: Bed) -> None:
    """With the words of the authority, the way out, and nothing left behind."""
    step = Certificate(domain=DOMAIN)
    nginx.point(DOMAIN, None)
    with pytest.raises(InstallFailed, match=r"(?s)NXDOMAIN.*Make an A record"):
        converge_host(host, [step])
    nginx.point(DOMAIN)
    nginx.inside("docker stop dify-nginx-1")
    with pytest.raises(InstallFailed, match=r"(?s)refused.*web_cidrs"):
        converge_host(host, [step])
    assert not certificate(host).there
    nginx.inside("docker start dify-nginx-1")
    assert converge_host(host, [step])


def test_a_certificate_that_somebody_damaged_is_seen(host: SshHost, nginx: Bed) -> None:
    """Its key is another one; one of another domain; and half a file."""
    converge_host(host, [Certificate(domain=DOMAIN)])
    live = f"{CERTBOT}/conf/live/{DOMAIN}"
    nginx.inside(f"cp -rL {live} {live}.kept; openssl genpkey -algorithm ed25519 -out {live}/privkey.pem")
    assert not certificate(host).own_key
    assert not certificate(host).usable
    nginx.inside(f"cp {live}.kept/privkey.pem {live}/privkey.pem")
    assert certificate(host).usable
    assert nginx.inside(f"mv {live}.kept {CERTBOT}/conf/live/other.example.com") == ""
    other = CertificateOf("other.example.com")
    assert not host.ask([other])[other].for_domain
    nginx.inside(f"echo -----BEGIN >{live}/fullchain.pem")
    assert certificate(host) == CertificateState(there=True)


@pytest.fixture
def bare(docker: Bed) -> Iterator[Bed]:
    """A machine without the agent."""
    docker.inside(PURGE)
    yield docker
    docker.inside(
        f"systemctl stop dify-metrics.timer {UNIT} 2>&1 || true; {PURGE}; rm -rf {HOME}; systemctl daemon-reload"
    )


def agent(bed: Bed) -> list[Step]:
    """As dify.py has them."""
    result = bundle()
    timer = "dify-metrics.timer"
    return [
        agent_package("ap-northeast-1", bed.agent_fingerprint),
        File(path=AGENT, data=result.files[AGENT].text),
        Service(unit=UNIT, reads=(AGENT,)),
        agent_answers(),
        Directory(path=f"{HOME}/bin"),
        File(path=f"{HOME}/bin/metrics", data=result.files["bin/metrics"].text, mode=0o755),
        *(
            File(path=path, data=result.files[path].text)
            for path in result.files
            if path.startswith(f"{UNITS}/dify-metrics")
        ),
        Service(unit=timer),
    ]


def test_the_agent_is_installed_and_hears_of_the_database(host: SshHost, bare: Bed) -> None:
    """Verified, started with our configuration, and told twice a minute whether PostgreSQL runs; it does not."""
    steps = agent(bare)
    assert converge_host(host, steps)
    again = converge_host(host, steps)
    assert not again
    assert again.round_trips == 1
    bare.inside("systemctl start dify-metrics.service")
    assert "postgres_running:0|g" in bare.inside("cat /opt/aws/amazon-cloudwatch-agent/var/heard").splitlines()
    assert bare.inside("ls /var/cache/dify-aws") == ""

    changed = File(path=AGENT, data=f"{bundle().files[AGENT].text}\n")
    restarted = {changed.name, f"service {UNIT}"}
    repaired = converge_host(host, [steps[0], changed, *steps[2:]])
    assert restarted <= set(repaired.named("done")) <= {*restarted, f"{UNIT} listens"}


def test_the_database_runs_and_the_agent_hears_it(host: SshHost, bare: Bed) -> None:
    """By the labels that Compose gives; a container of that name which is nobody's does not count."""
    converge_host(host, agent(bare))
    labels = "--label com.docker.compose.project=dify --label com.docker.compose.service=db_postgres"
    bare.inside(f"docker run --rm --detach --name heard {labels} nginx:1.28.2-alpine 2>&1")
    try:
        bare.inside("systemctl start dify-metrics.service")
        assert "postgres_running:1|g" in bare.inside("cat /opt/aws/amazon-cloudwatch-agent/var/heard").splitlines()
    finally:
        bare.inside("docker rm --force heard 2>&1")


def test_a_package_that_is_not_what_it_should_be_is_not_installed(host: SshHost, bare: Bed) -> None:
    """By the real GnuPG: another key, a damaged package, a download that breaks off; nothing of it stays."""
    package = agent_package("ap-northeast-1", bare.agent_fingerprint)
    other = "0123456789ABCDEF0123456789ABCDEF01234567"
    with pytest.raises(InstallFailed, match=f"(?s){bare.agent_fingerprint}.*{other}"):
        converge_host(host, [replace(package, fingerprint=other)])
    with bare.fault("amazon-cloudwatch-agent.deb", damaged=True), pytest.raises(InstallFailed, match="not installed"):
        converge_host(host, [package])
    with bare.fault("amazon-cloudwatch-agent.deb", 403), pytest.raises(InstallFailed, match=r"(?s)403.*nobody may"):
        converge_host(host, [package])
    assert bare.inside("ls /var/cache/dify-aws") == ""
    assert "no packages found" in bare.inside("dpkg-query --show amazon-cloudwatch-agent 2>&1 || true")
    assert converge_host(host, [package])


@pytest.mark.parametrize("command", [2, 3, 4])
def test_a_connection_that_breaks_is_made_again_and_the_agent_installed(host: SshHost, bare: Bed, command: int) -> None:
    """Right before the download, the verification, and the installation: what was under way is done in the end."""
    package = agent_package("ap-northeast-1", bare.agent_fingerprint)
    with cut_at(bare, command):
        assert converge_host(host, [package])
    assert not converge_host(host, [package])
    assert bare.inside("ls /var/cache/dify-aws") == ""


def test_an_agent_that_cannot_start_is_reported_with_its_log(host: SshHost, bare: Bed) -> None:
    """systemd calls it active first; and when the configuration is mended, the next run starts it."""
    package, _, service, *_ = agent(bare)
    broken = File(path=AGENT, data="{")
    answers = replace(agent_answers(), seconds=3)
    with pytest.raises(InstallFailed, match=r"does not listen|amazon-cloudwatch-agent.service") as caught:
        converge_host(host, [package, broken, service, answers])
    assert "E! " in str(caught.value) or "activating" in str(caught.value)
    converge_host(host, agent(bare))

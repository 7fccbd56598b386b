"""What stands for Dify, Let's Encrypt and the CloudWatch agent in the bed: as strict as the real ones are."""

import base64
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener

import pytest

from dify_aws.host.converge import converge_host
from dify_aws.host.errors import CommandFailed
from dify_aws.host.ssh.ssh_host import SshHost
from dify_aws.runtimes.compose.admin_password import AccountUnknown, set_password
from dify_aws.runtimes.compose.stages.containers import database_roles
from dify_aws.secrets import Secret
from tests.e2e.bed.bed import Bed
from tests.e2e.bed.image import images
from tests.e2e.bed.kept import BedFailed
from tests.support.bundles import SECRETS, bundle

DOMAIN = "dify.example.com"
EMAIL, PASSWORD = "ops@your-company.com", "correct horse 1"
HOME = "/opt/dify"
COMPOSE = f"docker compose --project-directory {HOME}"
UNTIL_IT_ANSWERS = "until curl -sf localhost/console/api/ping; do sleep 0.1; done"
LIVE = f"/data/dify/certbot/conf/live/{DOMAIN}"


@pytest.fixture(scope="module")
def dify(docker: Bed) -> Iterator[Bed]:
    """The bundle, brought up by hand, migrated and with nobody in it."""
    made = bundle(vector_store="weaviate", storage="local", domain=DOMAIN, email=EMAIL)
    for path, file in made.files.items():
        if not path.startswith("/"):
            docker.write(f"{HOME}/{path}", file.text, file.mode)
    for path, directory in made.directories.items():
        docker.inside(f"mkdir -p {path}; chmod {directory.mode:o} {path}; chown {directory.owner} {path}")
    for path, owner in made.logs.items():
        docker.inside(f"install -m 640 /dev/null {path}; chown {owner} {path}")
    docker.inside(f"{COMPOSE} pull --quiet 2>&1; {COMPOSE} up --detach --wait db_postgres redis 2>&1")
    with SshHost(docker.host, docker.user, key=Secret(docker.key), host_key=docker.host_key, port=docker.port) as host:
        converge_host(host, [replace(database_roles(SECRETS), needs=())])
    docker.inside(f"{COMPOSE} run --rm -e MODE=migration -e MIGRATION_ENABLED=true api 2>&1")
    docker.inside(f"{COMPOSE} up --detach 2>&1; {UNTIL_IT_ANSWERS}")
    yield docker
    docker.inside(f"{COMPOSE} down --timeout 1 --volumes --remove-orphans 2>&1; rm -rf {HOME} /data/dify")


def test_the_registry_has_every_image_and_a_broken_one_of_each(docker: Bed) -> None:
    """Those of the releases that the library knows are pulled by the names that they have there."""
    requested = [image.reference.partition("/") for image in images()]
    urls = [f"https://{host}/v2/{name.replace(':', '/manifests/')}" for host, _, name in requested]
    docker.inside(f"curl --fail --silent --show-error --head {' '.join(urls)} 2>&1")
    with pytest.raises(BedFailed, match=r"dify-api:broken: nothing works today"):
        docker.inside("docker run --rm langgenius/dify-api:broken 2>&1")


def test_all_that_has_a_health_check_becomes_healthy(dify: Bed) -> None:
    """Real PostgreSQL, Redis, nginx and Squid among them."""
    dify.inside(f"{COMPOSE} up --detach --wait 2>&1")


def test_an_admin_is_made_once_and_by_the_rules(dify: Bed) -> None:
    """The initial password first, in the same session; then a good password; and never again, not after a restart."""
    browser = Browser(dify)
    setup = {"email": EMAIL, "name": "Ops", "password": PASSWORD}
    assert browser.ask("setup") == (200, {"step": "not_started", "setup_at": None})
    assert browser.ask("init") == (200, {"status": "not_started"})
    assert browser.ask("setup", setup)[0] == 401
    assert browser.ask("init", {"password": "wrong"})[0] == 401
    assert browser.ask("init", {"password": SECRETS.init_password.reveal()})[0] == 201
    assert Browser(dify).ask("setup", setup)[0] == 401
    assert browser.ask("setup", {**setup, "password": "letters only"})[0] == 400
    assert browser.ask("setup", {**setup, "name": "x" * 31})[0] == 400
    assert browser.ask("setup", setup) == (201, {"result": "success"})
    assert browser.ask("setup", setup)[0] == 403
    assert browser.ask("init", {"password": SECRETS.init_password.reveal()})[0] == 403
    dify.inside(f"{COMPOSE} restart api 2>&1; {UNTIL_IT_ANSWERS}")
    assert browser.ask("setup")[1]["step"] == "finished"
    assert browser.log_in("another 1")[0] == 401
    assert browser.ask("account/profile")[0] == 401
    assert browser.log_in(PASSWORD)[0] == 200
    assert browser.ask("account/profile") == (200, {"email": EMAIL, "name": "Ops"})
    assert dify.inside("find /data/dify/storage -name private.pem -user 1001 | wc -l") == "1\n"


@pytest.mark.parametrize(
    ("mode", "variable", "value", "message"),
    [
        ("api", "DB_PASSWORD", "wrong", "password authentication failed"),
        ("worker", "CELERY_BROKER_URL", "redis://:wrong@redis:6379/1", "WRONGPASS"),
        ("migration", "DB_HOST", "nowhere", "could not translate host name"),
        ("api", "SECRET_KEY", "", "SECRET_KEY is not set"),
        ("api", "SECRET_KEY", "difyai123456", "published default"),
        ("beat", "LOG_FILE", "/etc/api.log", "Permission denied"),
    ],
)
def test_api_does_not_start_with_what_it_cannot_use(
    dify: Bed, mode: str, variable: str, value: str, message: str
) -> None:
    """It ends with an error, whatever its work was to be."""
    # In time: one that does start would run for ever.
    given = f"-e MODE={mode} -e MIGRATION_ENABLED=true -e {variable}={value}"
    with pytest.raises(BedFailed, match=message):
        dify.inside(f"timeout 30 {COMPOSE} run --rm --no-deps {given} api 2>&1")


def test_api_knows_no_setup_before_the_migration(dify: Bed) -> None:
    """In a database without tables it lives, and has no answer."""
    other = (
        f"-e DB_DATABASE=dify_plugin -e DB_USERNAME=dify_plugin -e DB_PASSWORD={SECRETS.plugin_db_password.reveal()}"
    )
    dify.inside(f"{COMPOSE} run --detach --no-deps --name early {other} api 2>&1")
    try:
        ask = "docker exec early curl -s localhost:5001"
        assert json.loads(dify.inside(f"until {ask}/health; do sleep 0.1; done"))["version"] == "1.17.1"
        assert json.loads(dify.inside(f"{ask}/console/api/setup"))["status"] == 500
    finally:
        dify.inside("docker rm --force early")


def test_a_worker_answers_as_long_as_it_lives(dify: Bed) -> None:
    """The question is the one that Dify's own health check asks."""
    ping = f"{COMPOSE} exec -T worker_beat celery -A celery_healthcheck.celery inspect ping --timeout 10 2>&1"
    assert "pong" in dify.inside(ping)
    dify.inside(f"{COMPOSE} stop worker 2>&1; until ! {ping}; do sleep 0.5; done")
    with pytest.raises(BedFailed, match="No nodes replied"):
        dify.inside(ping)
    dify.inside(f"{COMPOSE} start worker 2>&1")


def test_the_sandbox_runs_code_for_who_has_the_key(dify: Bed) -> None:
    """And for nobody else."""
    code = json.dumps({"language": "python3", "code": "print(6 * 7)"})
    ask = (
        f"{COMPOSE} exec -T api curl -s sandbox:8194/v1/sandbox/run -H 'Content-Type: application/json' -d '{code}' -H"
    )
    assert json.loads(dify.inside(f"{ask} 'X-Api-Key: wrong'"))["code"] == -401
    result = json.loads(dify.inside(f"{ask} 'X-Api-Key: {SECRETS.sandbox_api_key.reveal()}'"))
    assert result["data"] == {"error": "", "stdout": "42\n"}


def test_the_others_answer(dify: Bed) -> None:
    """web's pages through nginx, the plugin daemon, Weaviate for who has its key, and vectors in PostgreSQL."""
    inside = f"{COMPOSE} exec -T api curl -s -w '%{{http_code}}'"
    assert dify.get("/signin")[0] == dify.get("/install")[0] == 200
    assert dify.get("/nothing")[0] == 404
    assert '"ok"' in dify.inside(f"{inside} plugin_daemon:5002/health/check")
    assert "401" in dify.inside(f"{inside} weaviate:8080/v1/schema")
    key = SECRETS.weaviate_api_key.reveal()
    assert "200" in dify.inside(f"{inside} -H 'Authorization: Bearer {key}' weaviate:8080/v1/schema")
    sql = "SELECT '[3,4]'::vector <-> '[0,0]'"
    assert dify.inside(f'{COMPOSE} exec -T db_postgres psql -U postgres -d dify -tAc "{sql}"') == "5\n"


def test_the_proxy_lets_nobody_at_the_metadata(dify: Bed) -> None:
    """A real Squid, with the configuration of the bundle."""
    ask = f"{COMPOSE} exec -T api curl -s -o /dev/null -w '%{{http_code}}' -x ssrf_proxy:3128"
    assert dify.inside(f"{ask} http://169.254.169.254/latest/meta-data/") == "403"
    assert dify.inside(f"{ask} http://api:5001/health") == "403"


def test_the_proxy_lets_in_what_the_settings_name(dify: Bed) -> None:
    """An internal API at one port of an address, and of a name; no other port, nor what else the name leads to."""
    inside, api, other = "10.77.0.1", "api.corp.example.com", "other.corp.example.com"
    made = bundle(internal_hosts=(f"{inside}:8080", f"{api}:8081"))
    path = f"{HOME}/squid/squid.conf"
    before = dify.inside(f"cat {path}")
    restart = f"{COMPOSE} restart ssrf_proxy 2>&1; {COMPOSE} up --detach --wait ssrf_proxy 2>&1"
    ask = f"{COMPOSE} exec -T api curl -s -o /dev/null -w '%{{http_code}}' -x ssrf_proxy:3128"
    dify.inside(
        f"ip address add {inside}/32 dev lo; mkdir -p /run/internal; "
        + "; ".join(
            f"systemd-run --quiet --unit=internal-{port} python3 -m http.server --bind {inside} -d /run/internal {port}"
            for port in (8080, 8081, 8082)
        )
    )
    try:
        dify.write(path, made.files["squid/squid.conf"].text)
        dify.inside(restart)
        dify.point(api, inside)
        dify.point(other, inside)
        assert dify.inside(f"{ask} http://{inside}:8080/") == "200"
        assert dify.inside(f"{ask} http://{api}:8081/") == "200"
        for closed in (f"{inside}:8081", f"{inside}:8082", f"{api}:8082", f"{other}:8081"):
            assert dify.inside(f"{ask} http://{closed}/") == "403", closed
        dify.point(api, "169.254.169.254")
        dify.inside(restart)  # it remembers what a name led to
        assert dify.inside(f"{ask} http://{api}:8081/") == "403"
    finally:
        dify.point(api, None)
        dify.point(other, None)
        dify.write(path, before)
        dify.inside(f"systemctl stop 'internal-*'; ip address del {inside}/32 dev lo; {restart}")


def test_a_certificate_is_for_who_holds_the_name(dify: Bed) -> None:
    """The proof is looked for from outside: by the name, on port 80. What lasts is kept, what runs out is renewed."""
    run = f"{HOME}/bin/certificate 2>&1"
    serial = f"openssl x509 -noout -serial -in {LIVE}/fullchain.pem"
    with pytest.raises(BedFailed, match="NXDOMAIN"):
        dify.inside(run)
    dify.point(DOMAIN)
    try:
        dify.inside(f"{COMPOSE} stop nginx 2>&1")
        with pytest.raises(BedFailed, match="refused"):
            dify.inside(run)
        dify.inside(f"{COMPOSE} start nginx 2>&1; {UNTIL_IT_ANSWERS}")
        dify.inside(f"{run} --dry-run")
        dify.inside(f"! test -e {LIVE}")
        dify.certify_for(10)
        dify.inside(run)
        first = dify.inside(serial)
        dify.certify_for(90)
        dify.inside(run)
        second = dify.inside(serial)
        dify.inside(run)
        assert first != second == dify.inside(serial)
        dify.inside(f"openssl verify -CAfile /usr/local/share/ca-certificates/bed.crt {LIVE}/fullchain.pem")
        dify.inside(f"openssl x509 -noout -checkhost {DOMAIN} -in {LIVE}/cert.pem | grep -q 'does match'")
    finally:
        dify.point(DOMAIN, None)


def test_the_agent_is_signed_and_hears_metrics(bed: Bed) -> None:
    """By the key that the bed says. It is run by its unit, and reads its configuration."""
    url, name = "https://amazoncloudwatch-agent-eu-west-1.s3.eu-west-1.amazonaws.com", "amazon-cloudwatch-agent"
    home, log = f"/opt/aws/{name}", f"/opt/aws/{name}/logs/{name}.log"
    bed.inside(
        f"cd /srv; for end in '' .sig; do curl -fsSO {url}/ubuntu/amd64/latest/{name}.deb$end; done;"
        f"curl -fsS {url}/assets/{name}.gpg | gpg --import"
    )
    output = bed.inside(f"cd /srv; gpg --status-fd 1 --verify {name}.deb.sig {name}.deb")
    assert f"VALIDSIG {bed.agent_fingerprint}" in output
    bed.inside(f"cd /srv; dpkg --install {name}.deb")
    assert bed.inside(f"systemctl is-active {name} || true") == "inactive\n"
    bed.write(f"{home}/etc/{name}.json", json.dumps({"agent": {"run_as_user": "root"}}))
    bed.inside(
        f"systemctl start {name}; until grep -q 'everything is ready' {log}; do sleep 0.05; done;"
        f"printf 'postgres_running:1|g' >/dev/udp/127.0.0.1/8125; until [ -s {home}/var/heard ]; do sleep 0.05; done"
    )
    assert bed.inside(f"cat {home}/var/heard") == "postgres_running:1|g\n"
    bed.inside(f"{home}/bin/{name}-ctl -a fetch-config -m ec2 -s -c file:{home}/etc/{name}.json")
    assert bed.inside(f"ls {home}/etc").split() == [f"{name}.d"]
    assert bed.inside(f"systemctl is-active {name}") == "active\n"


class Browser:
    """Keeps cookies, and asks the console's API through nginx."""

    def __init__(self, bed: Bed) -> None:
        self._base = f"http://{bed.host}:{bed.http_port}/console/api"
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()))

    def ask(self, path: str, body: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """Status and what the JSON says; with a body it is a POST."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self._base}/{path}", data, {"Content-Type": "application/json"})
        try:
            with self._opener.open(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def log_in(self, password: str) -> tuple[int, Any]:
        """As the login page does."""
        return self.ask("login", {"email": EMAIL, "password": base64.b64encode(password.encode()).decode()})


def test_an_admin_gets_a_new_password_by_standard_input(dify: Bed) -> None:
    """The command that the library gives, and what the stand-in of Dify answers: after that the new one logs in."""
    browser = Browser(dify)
    browser.ask("init", {"password": SECRETS.init_password.reveal()})
    browser.ask("setup", {"email": EMAIL, "name": "Ops", "password": PASSWORD})
    with SshHost(dify.host, dify.user, key=Secret(dify.key), host_key=dify.host_key, port=dify.port) as host:
        with pytest.raises(AccountUnknown, match="has no account nobody@"):
            set_password(host, "nobody@example.com", Secret("staple battery 2"))
        with pytest.raises(CommandFailed, match="Must match"):
            set_password(host, EMAIL, Secret("letters only"))
        assert browser.log_in(PASSWORD)[0] == 200
        set_password(host, EMAIL, Secret("staple battery 2"))
        assert browser.log_in(PASSWORD)[0] == 401
        assert browser.log_in("staple battery 2")[0] == 200
        set_password(host, EMAIL, Secret(PASSWORD))

"""The bundle as a whole: a pure function, whole in every combination, with the modes and owners that keep it safe."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from ipaddress import IPv4Network
from typing import Any

import pytest
from jinja2 import UndefinedError

from dify_aws.dify.known_releases import RELEASES
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.runtimes.compose.dify_secrets import DifySecrets
from dify_aws.runtimes.compose.paths import AGENT
from dify_aws.runtimes.compose.render import render
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.names import LOGS, UPLOADS
from dify_aws.topologies.role_policies import host_policy
from tests.support.bundles import OUTPUTS, SECRETS, bundle, compose, every, of_dify, variables


def test_the_same_arguments_make_the_same_bytes() -> None:
    """No clock, no chance and no order of a set is in it."""
    first, second = (bundle(https=True, profile="full", env={"B": "1", "A": "2"}) for _ in range(2))
    assert first == second
    assert first.files.keys() == second.files.keys()


def test_every_combination_is_whole() -> None:
    """Whatever is chosen, each file has its last line, YAML and JSON can be read, and no template shows through."""
    for overrides, made in every():
        assert compose(made)["services"].keys() >= {"api", "worker", "nginx", "db_postgres"}, overrides
        for path, file in made.files.items():
            assert file.text.endswith("\n"), path
            assert not file.text.endswith("\n\n"), path
            assert "{{ " not in file.text, path
            assert "{%" not in file.text, path
            if path.endswith(".json"):
                json.loads(file.text)


def test_a_hole_in_a_template_is_an_error() -> None:
    """A value that is missing stops the rendering: a blank in a configuration file is found much later."""
    with pytest.raises(UndefinedError):
        render("nginx.conf.j2", settings=Settings(environment="dev"), https=False)


def test_secrets_are_in_one_file_and_that_is_closed() -> None:
    """Only .env has secrets, nobody but root reads it, and no repr shows it."""
    for overrides, made in every():
        for path, file in made.files.items():
            kept = [secret for secret in SECRETS.values if secret.reveal() in file.text]
            assert bool(kept) == file.secret == (path == ".env"), (overrides, path)
            assert file.secret <= (file.mode == 0o600 and file.owner == "root:root"), path
            assert not any(secret.reveal() in repr(file) for secret in kept)
        assert not any(secret.reveal() in repr(made) for secret in SECRETS.values)


def test_scripts_run_and_nothing_else_does() -> None:
    """What is in bin/ begins with its interpreter and may be executed; no other file may."""
    made = bundle(https=True)
    for path, file in made.files.items():
        assert (file.mode == 0o755) == path.startswith("bin/") == file.text.startswith("#!"), path
        assert file.mode in (0o755, 0o644, 0o600), path


def test_whoever_reads_a_file_is_made_anew_when_it_changes() -> None:
    """Each container that has a file mounted has a digest of just that file as a label."""
    for _, made in every():
        for name, service in compose(made)["services"].items():
            volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
            read = [file for path, file in made.files.items() if f"./{path.rpartition('/')[0]}" in volumes]
            if name == "db_postgres":  # what is in init/ is read once
                read = [made.files["postgres/postgresql.conf"], made.files["postgres/pg_hba.conf"]]
            assert not any(file.secret for file in read), "a digest of a secret would tell of it"
            digest = sha256("".join(file.text for file in read).encode()).hexdigest()[:16]
            assert list(service.get("labels", {}).values()) == ([digest] if read else []), name


def test_files_are_mounted_by_their_directory() -> None:
    """A file that is replaced, as ours are, stays the old one for a container that has the file itself mounted."""
    for _, made in every():
        mounts = {
            volume.split(":")[0]
            for service in compose(made)["services"].values()
            for volume in service.get("volumes", [])
        }
        assert not {path.removeprefix("./") for path in mounts} & made.files.keys()


def test_directories_are_those_that_containers_write_to() -> None:
    """Every place on the data volume that a container has mounted is made before, with the right owner."""
    for _, made in every():
        mounts = {
            volume.split(":")[0]
            for service in compose(made)["services"].values()
            for volume in service.get("volumes", [])
            if volume.startswith("/")
        }
        assert mounts - made.logs.keys() == made.directories.keys() - {"/data/dify/logs/dify", "/data/dify/logs/nginx"}
    owners = {path: one.owner for path, one in bundle(storage="local").directories.items()}
    assert owners["/data/dify/storage"] == "1001:1001"
    assert owners["/data/dify/redis"] == compose(bundle())["services"]["redis"]["user"]


def test_what_the_agent_reads_no_container_can_replace() -> None:
    """The agent reads as root. Each log that a container writes is mounted as the one file, from a folder of root's
    that no container has: it cannot be taken away, and no link be put in its place."""
    for overrides, made in every():
        mounts = [
            volume.split(":")[0]
            for service in compose(made)["services"].values()
            for volume in service.get("volumes", [])
        ]
        result = json.loads(made.files[AGENT].text)["logs"]["logs_collected"]["files"]["collect_list"]
        of_data = {each["file_path"] for each in result if each["file_path"].startswith("/data/dify")}
        assert of_data == set(made.logs), overrides
        for path in of_data:
            folder = path.rpartition("/")[0]
            assert made.directories[folder].owner == "0:0"
            assert made.directories[folder].mode == 0o755
            assert mounts.count(path) == 1
            assert not [mount for mount in mounts if f"{folder}/".startswith(f"{mount}/")]


def test_https_comes_after_the_certificate() -> None:
    """With a domain and no certificate yet, nginx serves the proof for it and names no file that is not there."""
    before = bundle(domain="dify.example.com", email="ops@your-company.com")
    after = bundle(https=True)
    first, then = (one.files["nginx/nginx.conf"].text for one in (before, after))
    assert "/.well-known/acme-challenge/" in first
    assert "ssl_certificate" not in first
    assert "Strict-Transport-Security" not in first
    assert "return 301 https://dify.example.com$request_uri;" in then
    assert "Strict-Transport-Security" in then
    assert (before.url, after.url) == ("http://dify.example.com", "https://dify.example.com")
    # Only what says http or https changes: in compose.yaml that is nginx's label, the rest follows from .env.
    changed = {path for path in after.files if after.files[path] != before.files[path]}
    assert changed == {".env", "nginx/nginx.conf", "compose.yaml"}
    now, once = compose(after)["services"], compose(before)["services"]
    assert {name for name in now if now[name] != once[name]} == {"nginx"}


def test_refused() -> None:
    """Secrets that are still to be made would be blanks, and https without a domain is for nobody."""
    with pytest.raises(ValueError, match=r"still to be made: .*secret_key.*admin_password"):
        Bundle.render(Settings(environment="dev"), OUTPUTS, DifySecrets())
    with pytest.raises(ValueError, match="domain"):
        Bundle.render(Settings(environment="dev"), OUTPUTS, SECRETS, https=True)


def test_images_are_all_that_is_needed_and_pinned() -> None:
    """Every image of every service, and certbot's, by a tag that does not move; an override counts everywhere."""
    for overrides, made in every():
        used = {service["image"] for service in compose(made)["services"].values()}
        assert set(made.images) == used | ({RELEASES["1.17.1"]["certbot"]} if overrides["https"] else set())
        for image in made.images:
            name, _, tag = image.rpartition(":")
            assert name, image
            assert "/" not in tag, image
            assert any(character.isdigit() for character in tag), image
            assert "latest" not in tag, image
    mirror = {name: f"registry.example.com/{name}:7" for name in RELEASES["1.17.1"]}
    for overrides, _ in every():
        made = bundle(**overrides, images=mirror)
        assert all(image.startswith("registry.example.com/") for image in made.images)
        assert RELEASES["1.17.1"]["certbot"] not in str([file.text for file in made.files.values()])


def test_an_address_is_no_command() -> None:
    """An e-mail address may hold what a shell would take for the end of a word."""
    script = bundle(domain="dify.example.com", email="o'`id`$HOME@your-company.com").files["bin/certificate"].text
    assert """--email 'o'"'"'`id`$HOME@your-company.com'""" in script


def test_docker_takes_the_configured_range_and_squid_knows_a_vpc_with_public_addresses() -> None:
    """What code in the sandbox may not reach is the VPC, whatever addresses that has."""
    daemon = json.loads(bundle(docker_cidr="192.168.224.0/20").files["/etc/docker/daemon.json"].text)
    assert daemon["default-address-pools"] == [{"base": "192.168.224.0/20", "size": 24}]
    existing: Any = {"vpc_id": "vpc-0123456789abcdef0", "public_subnet_id": "subnet-0123456789abcdef0"}
    line = "acl private dst 198.51.100.0/24\n"
    assert line in bundle(vpc_cidr="198.51.100.0/24", **existing).files["squid/squid.conf"].text
    assert line not in bundle().files["squid/squid.conf"].text


@pytest.mark.parametrize(
    ("vpc", "pool"),
    [("10.0.0.0/16", "172.30.0.0/16"), ("172.30.0.0/16", "172.29.0.0/16"), ("172.30.5.0/24", "172.29.0.0/16")],
)
def test_docker_leaves_the_vpc_alone(vpc: str, pool: str) -> None:
    """The networks of the containers are not those of the VPC, whose DNS and neighbours would be out of reach."""
    daemon = json.loads(bundle(vpc_cidr=vpc).files["/etc/docker/daemon.json"].text)
    assert daemon["default-address-pools"] == [{"base": pool, "size": 24}]
    assert not IPv4Network(pool).overlaps(IPv4Network(vpc))
    assert daemon["data-root"] == "/data/docker"
    assert daemon["live-restore"] is True


def agent(**overrides: Any) -> Any:
    files = bundle(**overrides).files
    return json.loads(files["/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"].text)


def test_metrics_are_those_that_the_alarms_look_at() -> None:
    """Namespace, names and the one dimension are what dify_aws/topologies/single_host/alarms.py has."""
    settings = Settings(environment="dev")
    metrics = agent()["metrics"]
    assert metrics["namespace"] == settings.metric_namespace == "Dify/dev"
    # The sum over what tells two disks, or StatsD's kinds, apart: an alarm looks at one combination of dimensions.
    assert metrics["aggregation_dimensions"] == [["InstanceId"]]
    assert metrics["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    assert metrics["metrics_collected"]["disk"]["resources"] == ["/", "/data"]
    assert metrics["metrics_collected"]["disk"]["measurement"] == ["used_percent"]
    host, port = metrics["metrics_collected"]["statsd"]["service_address"].split(":")
    assert "'postgres_running:%d|g'" in bundle().files["bin/metrics"].text
    assert f"/dev/udp/{host}/{port}" in bundle().files["bin/metrics"].text


@pytest.mark.parametrize("profile", ["compact", "full"])
def test_logs_go_to_their_groups(profile: str) -> None:
    """Each of the four groups gets something, and each file that a container of Dify logs to is read."""
    files = agent(profile=profile)["logs"]["logs_collected"]["files"]["collect_list"]
    assert {file["log_group_name"] for file in files} == {f"/dify/dev/{log}" for log in LOGS}
    assert len({(file["log_group_name"], file["log_stream_name"]) for file in files}) == len(files)
    written = {service["environment"]["LOG_FILE"] for service in of_dify(bundle(profile=profile)).values()}
    read = {file["file_path"] for file in files if file["log_group_name"] == "/dify/dev/dify"}
    assert {path.replace("/app/logs", "/data/dify/logs/dify") for path in written} == read


def test_uploads_stay_where_the_role_may_write() -> None:
    """What Dify calls its root in the bucket is what the policy of the host allows."""
    settings = Settings(environment="dev")
    account = Account(id="123456789012", partition="aws", region="ap-northeast-1")
    (uploads,) = (one for one in host_policy(settings, account)["Statement"] if one["Sid"] == "Uploads")
    root = variables(bundle())["OPENDAL_S3_ROOT"]
    assert root == f"/{UPLOADS}"
    assert uploads["Resource"] == [f"arn:aws:s3:::{OUTPUTS.bucket}{root}*"]
    china = Bundle.render(settings, replace(OUTPUTS, region="cn-north-1"), SECRETS)
    assert variables(china)["OPENDAL_S3_ENDPOINT"] == "https://s3.cn-north-1.amazonaws.com.cn"

"""Settings: what is accepted, what is refused and in which words, and the three ways to write them."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest

from dify_aws.errors import Problem, SettingsError
from dify_aws.regions import REGIONS
from dify_aws.secrets import Secret
from dify_aws.settings import Settings

# The botocore whose regions dify_aws/regions.py holds.
REGIONS_AS_OF = (1, 44, 5)


def made(**values: Any) -> Settings:
    return Settings(**{"environment": "dev", **values})


def problems(**values: Any) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        made(**values)
    return caught.value.problems


def test_defaults_are_those_of_the_system_description() -> None:
    """Nothing but the name of the environment must be given."""
    settings = Settings(environment="dev")
    assert settings.deployment == "dify/dev"
    assert settings.region == "ap-northeast-1"
    assert (settings.vpc_cidr, settings.public_cidr, settings.private_cidr) == (
        "10.0.0.0/16",
        "10.0.1.0/24",
        "10.0.2.0/24",
    )
    assert (settings.instance_type, settings.root_volume_gib, settings.data_volume_gib) == ("t3.medium", 30, 50)
    assert settings.nat_gateway
    assert settings.web_cidrs == ("0.0.0.0/0",)
    assert settings.log_retention_days == 30
    assert settings.tags == {}


def test_every_problem_is_reported_at_once() -> None:
    """One run tells all that is wrong, by field, so that nobody mends settings one error at a time."""
    found = problems(
        region="ap-norteast-1", vpc_cidr="8.8.8.8/28", nat_gateway="yes", root_volume_gib=1, tags={"aws:a": "b"}
    )
    assert {one.field for one in found} == {"region", "vpc_cidr", "nat_gateway", "root_volume_gib", "tags"}
    assert len([one for one in found if one.field == "vpc_cidr"]) == 3


@pytest.mark.parametrize("field", list(Settings.__dataclass_fields__))
def test_a_wrong_type_is_a_problem_of_its_field(field: str) -> None:
    """Never a TypeError from somewhere inside."""
    assert {one.field for one in problems(**{field: object()})} == {field}


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("environment", "", "1 to 16"),
        ("environment", "Dev", "a-z"),
        ("environment", "1st", "from a letter"),
        ("environment", "dev-", "to a letter or digit"),
        ("environment", "a--b", "single hyphens"),
        ("environment", "dev\n", "a-z"),
        ("environment", "a" * 17, "1 to 16"),
        ("project", "my_dify", "single hyphens"),
        ("region", "ap-norteast-1", 'Did you mean "ap-northeast-1"?'),
        ("region", "ap-northeast-1a", 'Did you mean "ap-northeast-1"?'),
        ("region", "tokyo!", "us-east-1"),
        ("vpc_cidr", "10.0.0.5/16", '"10.0.0.0/16"'),
        ("vpc_cidr", "10.0.0.0", "10.0.0.0/16"),
        ("vpc_cidr", "10.0.0.0/15", "/16 or smaller"),
        ("vpc_cidr", "10.0.0.0/27", "no subnet smaller than /28"),
        ("vpc_cidr", "11.0.0.0/16", "172.16.0.0/12"),
        ("vpc_cidr", "fd00::/56", "10.0.0.0/16"),
        ("vpc_cidr", "ten", "10.0.0.0/16"),
        ("availability_zone", "us-east-1a", "ap-northeast-1a"),
        ("availability_zone", "ap-northeast-1", "ap-northeast-1a"),
        ("nat_gateway", 1, "true or false"),
        ("web_cidrs", ["203.0.113.9/24"], '"203.0.113.0/24"'),
        ("web_cidrs", "2001:db8::1/32", '"2001:db8::/32"'),
        ("web_cidrs", ["office"], "not names"),
        ("web_cidrs", [7], "203.0.113.0/24"),
        ("web_cidrs", [f"10.0.{i}.0/24" for i in range(31)], "Join neighbours"),
        ("instance_type", "t3", "t3.medium"),
        ("instance_type", "t3.micro", '"t3.medium" or larger'),
        ("image_id", "ami-xyz", "ami-0123456789abcdef0"),
        ("root_volume_gib", 19, "At least 20"),
        ("root_volume_gib", 16385, "at most 16384"),
        ("root_volume_gib", True, "from 20 to 16384"),
        ("data_volume_gib", 9, "At least 10"),
        ("data_volume_gib", 50.0, "from 10 to 16384"),
        ("log_retention_days", 31, "nearest is 30"),
        ("log_retention_days", 0, "At least 1"),
        ("alarm_email", "ops", "ops@your-company.com"),
        ("alarm_email", "a@your-company.com,b@your-company.com", "mailing list"),
        ("tags", {"AWS:team": "x"}, "AWS's"),
        ("tags", {"dify-aws:address": "x"}, "ours"),
        ("tags", {"Name": "x"}, "ours"),
        ("tags", {"": "x"}, "1 to 128"),
        ("tags", {"k" * 129: "x"}, "1 to 128"),
        ("tags", {"k": "x" * 257}, "at most 256"),
        ("tags", {"k": "a;b"}, "letters, digits"),
        ("tags", {"k": 1}, "strings"),
        ("tags", {"Team": "a", "team": "b"}, "IAM"),
        ("tags", {f"k{i}": "" for i in range(41)}, "At most 40"),
        ("tags", ["a"], "team=search"),
        ("dify_version", "latest", "1.17.1"),
        ("dify_version", "1.18.0-rc.1", "1.17.1"),
        ("dify_version", "2.0.0-beta.2", "1.17.1"),
        ("dify_version", "1.17.0", "1.17.1"),
        ("dify_version", "v1.17.1", "1.17.1"),
        ("vector_store", "pg_vector", 'Did you mean "pgvector"?'),
        ("storage", "nfs", "local, s3"),
        ("profile", "ful", 'Did you mean "full"?'),
        ("docker_source", "snap", "docker"),
        ("ssh", "open", "lease, tunnel"),
        ("domain", "https://dify.example.com", "dify.example.com"),
        ("domain", "dify.example.com:8443", "port"),
        ("domain", "dify", "dify.example.com"),
        ("domain", "203.0.113.7", "dify.example.com"),
        ("domain", "-dify.example.com", "dify.example.com"),
        ("domain", ".".join(["a" * 60] * 5), "dify.example.com"),
        ("email", "ops", "ops@your-company.com"),
        ("admin_email", "a@b", "ops@your-company.com"),
        ("admin_name", "", "1 to 30"),
        ("admin_name", "   ", "1 to 30"),
        ("admin_name", "a" * 31, "1 to 30"),
        ("admin_name", "a\nb", "one line"),
        ("images", {"ngnix": "nginx:1.28.2"}, 'Did you mean "nginx"?'),
        ("images", {"nginx": "nginx"}, "name:tag"),
        ("images", {"nginx": "nginx:latest"}, "Name a version"),
        ("images", {"nginx": "localhost:5000/nginx"}, "name:tag"),
        ("images", {"nginx": "nginx:1 --privileged"}, "name:tag"),
        ("images", {"nginx": 1}, "name:tag"),
        ("images", ["nginx"], "registry.example.com"),
    ],
)
def test_refused_with_what_would_be_right(field: str, value: object, right: str) -> None:
    """Every refusal names its field, the value as it was written, and what to write instead."""
    found = problems(**{field: value})
    assert {(one.field, repr(one.value)) for one in found} == {(field, repr(value))}
    assert any(right in one.right for one in found)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("environment", "a"),
        ("environment", "pr-1234"),
        ("vpc_cidr", "172.31.0.0/16"),
        ("vpc_cidr", "192.168.7.64/26"),
        ("availability_zone", "ap-northeast-1c"),
        ("web_cidrs", ()),
        ("instance_type", "m7i-flex.2xlarge"),
        ("instance_type", "g4dn.xlarge"),
        ("instance_type", "m5.metal"),
        ("image_id", "ami-0123456789abcdef0"),
        ("image_id", "ami-01234567"),
        ("root_volume_gib", 20),
        ("data_volume_gib", 16384),
        ("log_retention_days", 3653),
        ("alarm_email", "first.last+dify@mail.your-company.co.jp"),
        ("tags", {"費用 1": "a_b.c:d/e=f+g-h@i", "empty": ""}),
        ("dify_version", "1.17.1"),
        ("vector_store", "qdrant"),
        ("profile", "full"),
        ("admin_email", "first.last@example.com"),
        ("admin_name", "管理者"),
        ("images", {"nginx": "registry.example.com:5000/mirror/nginx:1.28.2-alpine"}),
        ("images", {"api": f"public.ecr.aws/x/dify-api@sha256:{'0' * 64}"}),
        ("images", {"api": f"langgenius/dify-api:1.17.1@sha256:{'0' * 64}"}),
    ],
)
def test_accepted_as_written(field: str, value: object) -> None:
    """The rules refuse nothing that AWS and Dify take."""
    assert getattr(made(**{field: value}), field) == value


def test_a_domain_has_one_form_and_somebody_to_write_to() -> None:
    """DNS knows no upper case; a certificate runs out, and the authority must be able to tell somebody."""
    (problem,) = problems(domain="dify.example.com")
    assert problem.field == "email"
    assert made(domain="Dify.Example.com.", email="ops@your-company.com").domain == "dify.example.com"
    assert made(email="ops@your-company.com").domain is None


@pytest.mark.parametrize(
    ("name", "value", "right"),
    [
        ("DB_PASSWORD", "hunter2", "Secrets Manager"),
        ("CONSOLE_API_URL", "hunter2", "domain"),
        ("OPENDAL_S3_ROOT", "hunter2", "storage"),
        ("S3_ACCESS_KEY", "hunter2", "storage"),
        ("VECTOR_STORE", "hunter2", "vector_store"),
        ("NEXT_PUBLIC_ENABLE_AGENT_V2", "hunter2", "profile"),
        ("MIGRATION_ENABLED", "hunter2", "containers"),
        ("NGINX_HTTPS_ENABLED", "hunter2", "Compose file"),
        ("smtp_password", "hunter2", "A-Z"),
        ("SMTP-PASSWORD", "hunter2", "A-Z"),
        ("SMTP_PORT", 465, "string"),
        ("SMTP_PASSWORD", "hunter2\nDEBUG=true", "one line"),
    ],
)
def test_variables_of_dify_are_checked_and_not_shown(name: str, value: object, right: str) -> None:
    """What is ours to set is refused with what to use instead, and no message tells what a variable was to be."""
    with pytest.raises(SettingsError) as caught:
        made(env={name: value})
    (problem,) = caught.value.problems
    assert problem.field == "env"
    assert name in problem.wrong
    assert right in problem.right
    assert "hunter2" not in f"{caught.value}{caught.value.problems}"


def test_variables_of_dify_are_secret() -> None:
    """A mail server's password is given like any variable and shown nowhere, nor is a table whose name has a slip."""
    settings = made(env={"SMTP_PASSWORD": "hunter2", "UPLOAD_FILE_SIZE_LIMIT": "50"})
    assert settings.env["SMTP_PASSWORD"] == Secret("hunter2")
    assert "hunter2" not in repr(settings)
    assert settings.replace(profile="full").env == settings.env
    assert Settings.from_env({"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_ENV": "A=1,B=2=3"}).env == {
        "A": Secret("1"),
        "B": Secret("2=3"),
    }
    for wrong in ({"evn": {"SMTP_PASSWORD": "hunter2"}}, {"env": "hunter2"}):
        with pytest.raises(SettingsError) as caught:
            made().replace(**wrong)
        assert "hunter2" not in f"{caught.value}{caught.value.problems}"


def test_networks_have_one_form() -> None:
    """What is written in two ways is the same wish, or the security group would differ for ever."""
    settings = made(web_cidrs=["203.0.113.7", "2001:DB8:0::/32", "203.0.113.7/32"])
    assert settings.web_cidrs == ("203.0.113.7/32", "2001:db8::/32")
    assert made(web_cidrs="203.0.113.7") == made(web_cidrs=("203.0.113.7/32",))


@pytest.mark.parametrize(
    ("vpc", "public", "private"),
    [
        ("10.7.0.0/16", "10.7.1.0/24", "10.7.2.0/24"),
        ("10.7.16.0/20", "10.7.17.0/24", "10.7.18.0/24"),
        ("10.7.4.0/22", "10.7.5.0/24", "10.7.6.0/24"),
        ("10.7.4.0/23", "10.7.4.128/25", "10.7.5.0/25"),
        ("10.7.4.0/24", "10.7.4.64/26", "10.7.4.128/26"),
        ("10.7.4.0/26", "10.7.4.16/28", "10.7.4.32/28"),
    ],
)
def test_vpc_is_divided(vpc: str, public: str, private: str) -> None:
    """The second and third /24, and of a small VPC the second and third quarter, down to AWS's smallest subnet."""
    settings = made(vpc_cidr=vpc)
    assert (settings.public_cidr, settings.private_cidr) == (public, private)


def test_settings_are_a_value() -> None:
    """Frozen, comparable, hashable, copied and sent to another process like any value."""
    tags = {"team": "search"}
    settings = made(tags=tags)
    tags["team"] = "ads"
    assert settings.tags == {"team": "search"}
    assert {settings: 1}[made(tags={"team": "search"})] == 1
    assert copy.deepcopy(settings) == pickle.loads(pickle.dumps(settings)) == settings
    with pytest.raises(FrozenInstanceError):
        settings.region = "us-east-1"  # type: ignore[misc]
    with pytest.raises(TypeError):
        settings.tags["team"] = "ads"  # type: ignore[index]


def test_repr_tells_what_is_not_usual() -> None:
    """In a notebook the few words that matter, and they make the same settings again."""
    settings = made(nat_gateway=False, tags={"team": "search"})
    assert repr(settings) == "Settings(environment='dev', nat_gateway=False, tags={'team': 'search'})"
    assert eval(repr(settings), {"Settings": Settings}) == settings


def test_replace_checks_again() -> None:
    """A change is checked like everything else, an unknown name included."""
    assert made().replace(data_volume_gib=100) == made(data_volume_gib=100)
    with pytest.raises(SettingsError, match="data_volume_gib"):
        made().replace(data_volume=100)


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.toml"
    path.write_text(text)
    return path


def test_from_file(tmp_path: Path) -> None:
    """TOML, one setting a line, and what is given in Python counts more."""
    path = write(
        tmp_path, 'environment = "dev"\nweb_cidrs = ["10.0.0.0/8"]\ndata_volume_gib = 80\n[tags]\nteam = "a"\n'
    )
    assert Settings.from_file(path) == made(web_cidrs=("10.0.0.0/8",), data_volume_gib=80, tags={"team": "a"})
    assert Settings.from_file(str(path), environment="staging").environment == "staging"


def test_from_file_tells_all_problems_and_the_file(tmp_path: Path) -> None:
    """Unknown, missing and wrong settings come in one error, each with the file; an override is not its fault."""
    path = write(tmp_path, 'regoin = "us-east-1"\nvpc_cidr = "10.0.0.0/8"\n[network]\na = 1\n')
    with pytest.raises(SettingsError) as caught:
        Settings.from_file(path, nat_gateway="yes")
    result = {one.field: one for one in caught.value.problems}
    assert result.keys() == {"regoin", "vpc_cidr", "network", "environment", "nat_gateway"}
    assert result["regoin"].right == 'Did you mean "region"?'
    assert "table" in result["network"].wrong
    assert {name for name, one in result.items() if str(path) not in one.wrong} == {"nat_gateway"}


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"environment = dev\n", "line 1"), (b'environment = "\xff"\n', "UTF-8"), (None, "No such file")],
)
def test_unreadable_file_is_a_settings_error(tmp_path: Path, content: bytes | None, message: str) -> None:
    """A missing file, a slip in the TOML and a wrong encoding are told like all else, by file and line."""
    path = tmp_path / "settings.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=message) as caught:
        Settings.from_file(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("variable", "text", "field", "value"),
    [
        ("NAT_GATEWAY", "No", "nat_gateway", False),
        ("NAT_GATEWAY", "1", "nat_gateway", True),
        ("DATA_VOLUME_GIB", " 80 ", "data_volume_gib", 80),
        ("WEB_CIDRS", "10.0.0.0/8, 2001:db8::/32", "web_cidrs", ("10.0.0.0/8", "2001:db8::/32")),
        ("WEB_CIDRS", "", "web_cidrs", ()),
        ("TAGS", "team=search,cost=a=b", "tags", {"team": "search", "cost": "a=b"}),
        ("TAGS", "", "tags", {}),
        ("ALARM_EMAIL", "", "alarm_email", None),
        ("ALARM_EMAIL", "ops@your-company.com", "alarm_email", "ops@your-company.com"),
        ("ENVIRONMENT", "staging", "environment", "staging"),
    ],
)
def test_from_env(variable: str, text: str, field: str, value: object) -> None:
    """Each type has its way to be written in a variable; an empty one never falls back to a wider default."""
    environ = {"DIFY_AWS_ENVIRONMENT": "dev", f"DIFY_AWS_{variable}": text, "PATH": "/bin", "AWS_REGION": "eu-west-1"}
    assert Settings.from_env(environ) == made(**{field: value})


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("NAT_GATEWAY", "maybe"),
        ("NAT_GATEWAY", ""),
        ("DATA_VOLUME_GIB", "80GB"),
        ("TAGS", "team"),
        ("REGION", ""),
        ("REGOIN", "us-east-1"),
    ],
)
def test_from_env_names_the_variable(variable: str, text: str) -> None:
    """The person reads the name that is in the shell, for what is wrong and for what is no setting at all."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"DIFY_AWS_ENVIRONMENT": "dev", f"DIFY_AWS_{variable}": text})
    (problem,) = caught.value.problems
    assert f"DIFY_AWS_{variable}" in problem.wrong


def test_from_env_reads_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument, the variables are those of the process, and overrides count more."""
    monkeypatch.setenv("DIFY_AWS_ENVIRONMENT", "dev")
    monkeypatch.setenv("DIFY_AWS_REGION", "eu-west-1")
    assert Settings.from_env(region="us-east-1") == made(region="us-east-1")


def test_missing_environment_is_reported_with_the_rest() -> None:
    """What has no default is asked for in the same breath as everything else."""
    variables: Mapping[str, str] = {"DIFY_AWS_REGION": "x"}
    with pytest.raises(SettingsError) as caught:
        Settings.from_env(variables)
    assert {one.field for one in caught.value.problems} == {"region", "environment"}


def test_regions_are_those_of_boto3() -> None:
    """No region of ours is unknown to boto3, and none that it had when the list was made is missing.

    A newer boto3 may know more: that is a reason to add a line, not to break the build.
    """
    session = boto3.Session()
    known = {
        region
        for partition in ("aws", "aws-cn", "aws-us-gov")
        for region in session.get_available_regions("ec2", partition_name=partition)
    }
    installed = tuple(int(part) for part in botocore.__version__.split(".")[:3])
    if installed >= REGIONS_AS_OF:
        assert known >= REGIONS
    if installed <= REGIONS_AS_OF:
        assert known <= REGIONS


def test_how_much_is_logged_is_no_setting() -> None:
    """Who sets DIFY_AWS_LOG=debug to see more does not find the settings refused."""
    assert Settings.from_env({"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_LOG": "debug"}).deployment == "dify/dev"

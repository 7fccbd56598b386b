"""Which profile and which region of AWS count: what boto3 reads, what the AWS CLI reads, and no silent difference."""

from __future__ import annotations

from pathlib import Path

import boto3
import pytest

from dify_aws import Foundation
from dify_aws.errors import CredentialsError, SettingsError
from dify_aws.offline.server import serve
from tests.support.shell import Shell


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a person has profiles; nothing else says which account or region."""
    path = tmp_path / "config"
    path.write_text("[profile prod]\nregion = eu-west-1\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(path))
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    return path


def test_the_command_line_takes_a_profile_of_aws(profiles: Path) -> None:
    """The call is made with it: its endpoint is the one that is asked."""
    with serve() as served:
        keys = "aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = x\n"
        profiles.write_text(f"[profile prod]\nendpoint_url = {served.url}\n{keys}")
        result = Shell()("outputs --aws-profile prod")
    assert result.status == 1
    assert "there is no dify/dev in ap-northeast-1, in this account (123456789012)" in result.err


def test_a_profile_that_does_not_exist_is_named(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not taken for the default one."""
    result = Shell()("plan --aws-profile prdo")
    assert result.status == 1
    assert "prdo" in result.err
    assert "Traceback" not in result.err
    monkeypatch.setenv("AWS_PROFILE", "prdo")
    with pytest.raises(CredentialsError, match="prdo"):
        Foundation("eu-west-1")


def test_the_flag_for_a_profile_of_aws_is_suggested() -> None:
    """--profile is a setting of Dify."""
    result = Shell()("plan --profile prod")
    assert result.status == 1
    assert "--aws-profile" in result.err


@pytest.mark.parametrize(
    ("environ", "region"),
    [
        ({"AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ({"AWS_REGION": "us-east-1"}, "us-east-1"),
        ({"AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
        ({"AWS_PROFILE": "prod"}, "eu-west-1"),
        ({"AWS_PROFILE": "prod", "AWS_DEFAULT_REGION": "us-east-1"}, "us-east-1"),
    ],
)
def test_the_region_of_the_environment(
    profiles: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], region: str
) -> None:
    """boto3 reads AWS_DEFAULT_REGION and the profile; AWS_REGION is what everybody else reads."""
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert Foundation().aws.region == region


def test_two_regions_are_none(profiles: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The AWS CLI of the same shell would look into the other one. Who names the region, or the session, is right."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    with pytest.raises(SettingsError, match=r"AWS_REGION = 'us-east-1'.*eu-west-1"):
        Foundation()
    assert Foundation("ap-northeast-1").aws.region == "ap-northeast-1"
    assert Foundation(session=boto3.Session()).aws.region == "eu-west-1"


def test_no_region_at_all_says_what_is_read(profiles: Path) -> None:
    """Both variables, by the names that count."""
    with pytest.raises(SettingsError, match="AWS_DEFAULT_REGION, AWS_REGION"):
        Foundation()


def test_what_was_typed_for_a_flag_that_is_none_is_not_shown() -> None:
    """The log of a workflow would keep it."""
    for words in ("plan --env SMTP_PASSWORD=hunter2", "plan --env=SMTP_PASSWORD=hunter2", "plan --nope hunter2"):
        result = Shell()(words)
        assert result.status == 1
        assert "hunter2" not in result.err + result.out
    assert "DIFY_AWS_ENV" in Shell()("plan --env A=1").err


def test_no_log_shows_what_is_secret(tmp_path: Path) -> None:
    """With everything logged, tracebacks included: of a file, of a variable that is wrong, and of one that is none."""
    path = tmp_path / "wrong.toml"
    path.write_text(
        'environment = "dev"\nSMTP_PASSWORD = "hunter2"\n[env]\nsmtp_password = "hunter2"\nA = "hunter2\\n"\n'
    )
    for environ, words in (
        ({"DIFY_AWS_ENV": "SMTP_PASSWORD=hun,hunter2"}, "plan"),
        ({"DIFY_AWS_SMTP_PASSWORD": "hunter2"}, "plan"),
        ({"DIFY_AWS_ENV": '{"SMTP_PORT": "hunter2"}'}, "plan"),
        ({}, f"plan --settings {path}"),
    ):
        result = Shell(environ={"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_LOG": "debug", **environ})(words)
        assert result.status == 1
        assert "Traceback" in result.err
        assert "hunter2" not in result.err + result.out

"""Internal hosts: what of a private network may be let in, what never, and in which words that is refused."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from dify_aws.errors import SettingsError
from dify_aws.settings import Settings
from dify_aws.settings.internal_host_rules import parsed


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("10.0.5.20", "10.0.5.20"),
        ("10.0.5.20:8080", "10.0.5.20:8080"),
        ("10.0.5.20/32:8080", "10.0.5.20:8080"),
        ("10.8.0.0/16", "10.8.0.0/16"),
        ("10.8.0.0/16:443", "10.8.0.0/16:443"),
        ("100.64.3.0/24", "100.64.3.0/24"),
        ("API.Corp.Example.com.:8443", "api.corp.example.com:8443"),
        ("api.corp.internal", "api.corp.internal"),
        ("fd12::1", "fd12::1"),
        ("[FD12::1]:8080", "[fd12::1]:8080"),
        ("fd12:34::/48", "fd12:34::/48"),
    ],
)
def test_hosts_are_kept_in_one_form(written: str, kept: str) -> None:
    """Which is read back as what it was."""
    settings = Settings(environment="dev", internal_hosts=(written, kept))
    assert settings.internal_hosts == (kept,)
    assert str(parsed(kept)) == kept
    assert settings.replace() == settings


@pytest.mark.parametrize(
    ("written", "wrong"),
    [
        ("169.254.169.254", "where the instance metadata is"),
        ("169.254.169.254:80", "where the instance metadata is"),
        ("169.254.170.2", "where the instance metadata is"),
        ("169.254.0.0/16", "where the instance metadata is"),
        ("0.0.0.0/0", "where the instance metadata is"),
        ("::/0", "where the instance metadata is"),
        ("fd00:ec2::254", "where the instance metadata is"),
        ("[fd00:ec2::254]:80", "where the instance metadata is"),
        ("fc00::/7", "where the instance metadata is"),
        ("fd00::/8", "where the instance metadata is"),
        ("127.0.0.1:6379", "is not private"),
        ("::1", "is not private"),
        ("::ffff:169.254.169.254", "is not private"),
        ("64:ff9b::a9fe:a9fe", "is not private"),
        ("8.8.8.8", "is not private"),
        ("10.0.0.0/7", "is not private"),
        ("224.0.0.1", "is not private"),
        ("172.30.0.5:5432", "Dify's own containers"),
        ("172.16.0.0/12", "Dify's own containers"),
        ("10.0.5.20/16", "an address in a network"),
        ("10.0.5.20:0", "no port 0"),
        ("10.0.5.20:70000", "no port 70000"),
        ("redis", "which is no host"),
        ("redis:6379", "which is no host"),
        ("db_postgres.default", "which is no host"),
        (".corp.example.com", "which is no host"),
        ("*.corp.example.com", "which is no host"),
        ("api.\u212aorp.example.com", "which is no host"),
        ("http://api.corp.example.com", "which is no host"),
        ("169.254.169.254.", "which is no host"),
        ("2852039166", "which is no host"),
        ("0xa9.0xfe.0xa9.0xfe 10.0.0.1", "which is no host"),
        ("a.example.com\nhttp_access allow all", "which is no host"),
        ("a.example.com http_access", "which is no host"),
        ("", "which is no host"),
    ],
)
def test_what_must_stay_out_is_refused_with_the_reason(written: str, wrong: str) -> None:
    """Nothing of it gets as far as a file of Squid."""
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", internal_hosts=(written,))
    assert {problem.field for problem in caught.value.problems} == {"internal_hosts"}
    assert any(wrong in problem.wrong for problem in caught.value.problems)


def test_the_range_of_the_containers_follows_the_vpc() -> None:
    """Where the VPC has the usual one, the containers are beside it, and hosts of the VPC may be let in."""
    settings = Settings(environment="dev", vpc_cidr="172.30.0.0/16", internal_hosts=("172.30.0.5:5432",))
    assert settings.internal_hosts == ("172.30.0.5:5432",)
    with pytest.raises(SettingsError, match="Dify's own containers"):
        settings.replace(internal_hosts=["172.29.0.5:5432"])


def test_every_problem_is_reported_and_a_list_has_an_end() -> None:
    """As everywhere in the settings."""
    with pytest.raises(SettingsError) as caught:
        Settings(environment="dev", internal_hosts=("8.8.8.8", "redis"))
    assert len(caught.value.problems) == 2
    many = [str(ip_address(int(ip_network("10.0.0.0/8").network_address) + number)) for number in range(101)]
    with pytest.raises(SettingsError, match="At most 100"):
        Settings(environment="dev", internal_hosts=tuple(many))


def test_from_a_variable() -> None:
    """Separated by commas."""
    environ = {"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_INTERNAL_HOSTS": "10.0.5.20:8080, api.corp.example.com"}
    assert Settings.from_env(environ).internal_hosts == ("10.0.5.20:8080", "api.corp.example.com")

"""Settings that are accepted arrive: what the real readers read is what a person wrote, over generated settings."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dify_aws import permissions
from dify_aws.dify.known_variables import instead
from dify_aws.errors import SettingsError
from dify_aws.operations.history.record import Record
from dify_aws.runtimes.compose.bundle import Bundle
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from dify_aws.settings.shown import shown
from dify_aws.topologies.account import Account
from dify_aws.topologies.single_host.resources import environment
from tests.support.bundles import OUTPUTS, SECRETS
from tests.support.dotenv_of_compose import read_dotenv
from tests.support.fuzzing import examples

BOUNDED: Final = settings(examples(30), suppress_health_check=[HealthCheck.too_slow])

# What YAML, a shell, systemd, nginx, TOML, JSON or int() takes for something else than a text.
STRANGE: Final = (
    *("yes", "no", "on", "off", "true", "null", "~", "1e3", "0x10", "0o17", "010", "1_000", "12:30:45", ".5", "-"),
    *("2024-01-01", "%n", "%%", "%h/x", "$x", "${x}", "$$", "${x:-y}", "$(id)", "`id`", "{{ x }}", "{% x %}", "{#"),
    *("a #b", "'", '"', "'\"'", "\\", "\\n", "\\\\", "\\$", "\\0101", "a\\", '\\"', " x ", "\t", "", "a: b", "- a"),
    *("&a", "*a", "|", ">", "@", "[", "{", "x;y", "x&&y", "日本語", "\U0001f469\u200d\U0001f467", "9" * 5_000, "#x"),
    *("\u00a0", "=x", "!x"),
)
# A name that YAML takes for yes, no or nothing is a name of a variable all the same.
NAMES: Final = ("NO", "ON", "Y", "NULL", "TRUE", "E1", "A", "SMTP_PASSWORD", "NEXT_PUBLIC_X", "PLUGIN_X", "NO_PROXY")

# The sandbox of the agents has one way out, which no person changes; elsewhere these are a person's.
OWN_PROXY: Final = {"local_sandbox": {"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"}}

values = st.one_of(st.sampled_from(STRANGE), st.text(max_size=40), st.text(alphabet="\\\"'$`{}%# =\tab0n", max_size=20))
names = st.one_of(st.sampled_from(NAMES), st.from_regex(r"[A-Z][A-Z0-9_]{0,12}", fullmatch=True))
environments = st.dictionaries(names.filter(lambda name: instead(name) is None), values, max_size=5)


def accepted(**overrides: Any) -> Settings | None:
    """The settings; None if they are refused, as settings of a person may be."""
    try:
        return Settings(**{"environment": "dev", **overrides})
    except SettingsError:
        return None


@BOUNDED
@example(dict(zip(map("A{}".format, range(99)), STRANGE, strict=False)), "full")
@example(dict.fromkeys(NAMES, "yes"), "full")
@given(environments, st.sampled_from(["compact", "full"]))
def test_variables_arrive_as_they_were_written(env: dict[str, str], profile: str) -> None:
    """.env as Compose reads it; compose.yaml as YAML, with each variable under its name, as a text."""
    desired = accepted(env=env, profile=profile)
    if desired is None:
        return
    bundle = Bundle.render(desired, OUTPUTS, SECRETS)
    found = read_dotenv(bundle.files[".env"].text)
    assert {name: found[name] for name in env} == env
    services = yaml.safe_load(bundle.files["compose.yaml"].text)["services"]
    for title, service in services.items():
        given_to = service.get("environment", {})
        assert all(isinstance(name, str) and isinstance(value, str | None) for name, value in given_to.items())
        for name in env.keys() & given_to.keys() - OWN_PROXY.get(title, set()):
            assert given_to[name] == f"${{{name}}}"


def test_what_only_looks_strange_is_accepted() -> None:
    """The property above would hold if everything were refused: each of these is taken."""
    for value in STRANGE:
        assert accepted(env={"A": value}) is not None, value
    for name in NAMES:
        assert accepted(env={name: "yes"}) is not None, name


hosts = st.one_of(st.sampled_from(["dify.a-team.com", "yes.no", "1e3.x0", "0x10.com"]), st.text(max_size=20))
words = st.one_of(st.sampled_from(STRANGE), st.text(max_size=20), st.from_regex(r"[a-z]{1,8}", fullmatch=True))


@BOUNDED
@example("null", "no", "yes.no", "%i", "$x")
@example("true", "off", "dify.a-team.com", "日本語", "yes")
@given(words, words, hosts, words, words)
def test_names_arrive_as_they_were_written(project: str, name: str, domain: str, key: str, value: str) -> None:
    """The file of nginx has the domain as one word, units of systemd have no specifier, and JSON is JSON."""
    desired = accepted(
        project=project, environment=name, domain=domain, email="ops@a-team.com", tags={key: value}, admin_name=value
    ) or accepted(project=project, environment=name)
    if desired is None:
        return
    bundle = Bundle.render(desired, OUTPUTS, SECRETS)
    if desired.domain:
        assert re.fullmatch(r"[a-z0-9.-]+", desired.domain)
        (server,) = re.findall(r"server_name ([^;]*);", bundle.files["nginx/nginx.conf"].text)
        assert server == desired.domain
    for path, file in bundle.files.items():
        if path.endswith((".service", ".timer")):
            assert not re.search(r"%(?!%)", file.text.replace("%%", "")), path
        if path.endswith(".json"):
            json.loads(file.text)
    account = Account("123456789012", "aws", desired.region)
    assert environment(desired, account).resources
    json.dumps(permissions(desired, account.id).to_dict()).encode()


@BOUNDED
@given(environments, st.dictionaries(words, words, max_size=3))
def test_settings_come_back_from_toml(env: dict[str, str], tags: dict[str, str]) -> None:
    """JSON's texts are TOML's: what is accepted in Python is accepted from a file, as the same settings."""
    desired = accepted(env=env, tags=tags)
    if desired is None:
        return
    lines = [
        'environment = "dev"',
        "[tags]",
        *(f"{json.dumps(key)} = {json.dumps(tags[key])}" for key in tags),
        "[env]",
    ]
    lines += [f"{name} = {json.dumps(value)}" for name, value in env.items()]
    text = "\n".join(lines).replace("\x7f", "\\u007f")
    assert Settings(**tomllib.loads(re.sub(r"\\u(d[89ab]..)\\u(d[c-f]..)", _joined, text))) == desired


def _joined(match: re.Match[str]) -> str:
    """JSON writes what is beyond 65,535 as two halves; TOML knows no halves."""
    return str(json.loads(f'"{match[0]}"'))


# Secrets --------------------------------------------------------------------------------------------------------------

SECRET: Final = "hunter2hunter2"

anything = st.recursive(
    st.one_of(st.sampled_from((SECRET, f"x {SECRET}\n", f"A={SECRET}", None, 7)), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=5,
)


def seen(make: Callable[[], Settings]) -> str:
    """All that can be seen of settings, or of the error that refuses them."""
    try:
        made = make()
    except SettingsError as error:
        return f"{error}{error!r}{error.problems!r}{error.args!r}{error.__cause__!r}{error.__context__!r}"
    return f"{made!r}{made}"


def replaced(**overrides: Any) -> str:
    """The same for a change."""
    return seen(lambda: Settings(environment="dev").replace(**overrides))


@BOUNDED
@given(anything)
def test_nothing_of_env_is_in_any_message(value: Any) -> None:
    """Whatever its shape, and also under a name that is no setting."""
    assert SECRET not in replaced(env=value)
    assert SECRET not in replaced(env={"SMTP_PASSWORD": value})
    assert SECRET not in replaced(evn=value)
    assert SECRET not in replaced(SMTP_PASSWORD=value)


@BOUNDED
@given(st.text(alphabet="AB=,_ \"'{}[]:x1\n", max_size=30), st.integers(0, 30))
def test_nothing_of_a_variable_is_in_any_message(text: str, place: int) -> None:
    """A secret anywhere in DIFY_AWS_ENV, or in a variable that is no setting. Where it is accepted, it is masked."""
    written = text[:place] + SECRET + text[place:]
    for name in ("DIFY_AWS_ENV", "DIFY_AWS_EVN", "DIFY_AWS_SMTP_PASSWORD"):
        environ = {"DIFY_AWS_ENVIRONMENT": "dev", name: written}
        assert SECRET not in seen(partial(Settings.from_env, environ))


def test_nothing_of_env_is_recorded() -> None:
    """Of env the names only."""
    made = Settings(environment="dev", env={"SMTP_PASSWORD": SECRET})
    who = "arn:aws:iam::123456789012:user/a"
    record = Record.of(made, (), None, verb="apply", at=datetime.now(UTC), who=who, account="123456789012")
    assert SECRET not in record.to_json() + repr(record) + str(record)
    assert record.settings["env"] == ["SMTP_PASSWORD"]


@BOUNDED
@given(st.sampled_from(["tags", "images", "domain", "web_cidrs", "env", "nothing"]), anything)
def test_what_is_shown_is_short_and_printable(name: str, value: Any) -> None:
    """No value makes an error that is long, or that a terminal obeys."""
    text = repr(shown(name, value, ["tags", "images", "domain", "web_cidrs", "env"]))
    assert text.isprintable()
    assert len(text) < 10_000


def test_numbers_of_any_length_are_reported() -> None:
    """repr() itself refuses a number of 5,000 digits: the error of the settings would be another one."""
    for name in ("data_volume_gib", "log_retention_days", "domain", "web_cidrs", "tags", "env"):
        for value in (10**5_000, [10**5_000], {"a": 10**5_000}, "9" * 10**6, Secret(SECRET), b"\xff" * 10**6):
            text = replaced(**{name: value})
            assert text
            assert len(text) < 20_000
            assert SECRET not in text

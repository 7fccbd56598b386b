"""Settings as people write them: files of other programs, slips of the pen, and values that need a second look."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import Any

import pytest

from dify_aws.cli.given import given_settings
from dify_aws.errors import Problem, SettingsError
from dify_aws.secrets import Secret
from dify_aws.settings import Settings

JAPANESE = 'environment = "dev"\n# メモ\nadmin_name = "管理者"\n'


def made(**values: Any) -> Settings:
    return Settings(**{"environment": "dev", **values})


def problems(**values: Any) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        made(**values)
    return caught.value.problems


def refused(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_file(path)
    return caught.value.problems


def file(folder: Path, content: str | bytes) -> Path:
    path = folder / "settings.toml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# Files ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        JAPANESE.encode(),
        JAPANESE.replace("\n", "\r\n").encode(),
        JAPANESE.encode("utf-8-sig"),
        codecs.BOM_UTF16_LE + JAPANESE.encode("utf-16-le"),
        codecs.BOM_UTF16_BE + JAPANESE.encode("utf-16-be"),
        codecs.BOM_UTF32_LE + JAPANESE.encode("utf-32-le"),
    ],
)
def test_files_of_notepad_and_powershell_are_read(tmp_path: Path, content: bytes) -> None:
    """They put a byte order mark in front, which tells the encoding without guessing."""
    assert Settings.from_file(file(tmp_path, content)).admin_name == "管理者"
    assert given_settings({}, {}, str(tmp_path / "settings.toml"), {}).admin_name == "管理者"


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (JAPANESE.encode("cp932"), "line 2 looks like Shift_JIS"),
        (JAPANESE.encode("euc_jp"), "line 2 looks like EUC-JP"),
        (JAPANESE.encode("iso2022_jp"), "ISO-2022-JP"),
        (JAPANESE.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        (codecs.BOM_UTF16_LE + b"e\0n", "damaged UTF-16"),
        ('environment = "d\xe9v"'.encode("latin-1"), "line 1"),
        (b'environment = "dev"\n' * 60_000, "larger"),
        (b"x = " + b"[" * 100_000, "nested too deep"),
        (b"data_volume_gib = " + b"9" * 5_000, "number is too long"),
        (b'environment = "dev"\nenvironment = "dev"\n', "line 2"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, named: str) -> None:
    """Another encoding is named and not guessed at: read in a wrong one, a password would be another."""
    (problem,) = refused(file(tmp_path, content))
    assert named in problem.wrong
    assert problem.value == str(tmp_path / "settings.toml")


def test_the_error_of_a_file_does_not_carry_its_content(tmp_path: Path) -> None:
    """Whoever logs the whole chain of an exception finds no secret in it."""
    for content in (b'[env]\nA = "hunter2"\nB = "\xff"\n', b'[env]\nA = "hunter2"\nhunter2 hunter2\n'):
        with pytest.raises(SettingsError) as caught:
            Settings.from_file(file(tmp_path, content))
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("sign", ["“dev”", "\uff02dev\uff02", "\u3000\u200b"])
def test_signs_of_a_web_page_are_named(tmp_path: Path, sign: str) -> None:
    """What a word processor or a Japanese keyboard made of a quote looks right on the screen."""
    (problem,) = refused(file(tmp_path, f"environment = {sign}\n"))
    assert "the line has" in problem.right


@pytest.mark.parametrize(
    ("text", "field", "right"),
    [
        ("[tags]\ndata_volume_gib = 80\n", "tags.data_volume_gib", "above [tags]"),
        ('[tags]\nteam = "a"\ndomain = "dify.example.com"\n', "tags.domain", "above [tags]"),
        ('[env]\nSMTP_PORT = "465"\ndomain = "hunter2"\n', "env.domain", "above [env]"),
        ('[images]\nregion = "us-east-1"\n', "images.region", "above [images]"),
        ('[ tags ]\nproject = "x"\n', "tags.project", 'tags = {project = "…"}'),
    ],
)
def test_a_setting_below_a_table_is_found(tmp_path: Path, text: str, field: str, right: str) -> None:
    """TOML gives every line after [tags] to it: the setting would be a tag, and its default would count."""
    path = file(tmp_path, f'environment = "dev"\n{text}')
    (problem,) = refused(path)
    assert problem.field == field
    assert right in problem.right
    assert "hunter2" not in str(problem)
    assert f" (in {path})" in problem.wrong
    with pytest.raises(SettingsError) as caught:
        given_settings({}, {}, str(path), {})
    (same,) = caught.value.problems
    assert (same.field, same.wrong) == (problem.field, problem.wrong)


def test_a_required_setting_below_a_table_is_one_problem(tmp_path: Path) -> None:
    """It is told where it is, and not that it is missing as well."""
    (problem,) = refused(file(tmp_path, '[tags]\nenvironment = "dev"\n'))
    assert problem.field == "tags.environment"


@pytest.mark.parametrize(
    "text", ['project = "shop"\n[tags]\nproject = "shop"\n', 'tags = {project = "shop"}\n', 'tags.project = "shop"\n']
)
def test_a_tag_may_be_called_like_a_setting(tmp_path: Path, text: str) -> None:
    """Where it is clear that it is meant: the setting is given as well, or the tag is on its own line."""
    assert Settings.from_file(file(tmp_path, f'environment = "dev"\n{text}')).tags == {"project": "shop"}


def test_a_variable_of_dify_above_its_table_is_reported(tmp_path: Path) -> None:
    """Its value is a secret all the same."""
    (problem,) = refused(file(tmp_path, 'environment = "dev"\nSMTP_PASSWORD = "hunter2"\n'))
    assert "[env]" in problem.right
    assert "hunter2" not in str(problem)


# Networks -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "right"),
    [
        ("0.0.0.0", '"0.0.0.0/0" for everybody'),
        ("::", '"::/0" for everybody'),
        ("203.0.113.0", '"203.0.113.0/24" for its network, or "203.0.113.0/32"'),
        ("2001:db8::", '"2001:db8::/64" for its network, or "2001:db8::/128"'),
        ("0.0.0.0/8", '"0.0.0.0/0" for everybody'),
        ("::/128", '"::/0" for everybody'),
        ("203.0.113.7/24", '"203.0.113.0/24"'),
        ("203.0.113.0/33", "0 to 32"),
        ("2001:db8::/129", "0 to 128"),
        ("203.0.113.0/24, 198.51.100.0/24", "in quotes of its own"),
        ("203.0.113.0/24 198.51.100.0/24", "in quotes of its own"),
        ("203.0.113.0 /24", "in quotes of its own"),
        ("203.0.113.007", "octal"),
        ("office.example.com", "not names"),
        ("::ffff:203.0.113.7", "2001:db8::/32"),
        ("fe80::1%eth0", "2001:db8::/32"),
        ("", "203.0.113.0/24"),
    ],
)
def test_a_network_that_is_most_likely_another_is_questioned(value: str, right: str) -> None:
    """One address that nobody has, where everybody was meant, makes a Dify that nobody reaches."""
    (problem,) = problems(web_cidrs=[value])
    assert right in problem.right


def test_networks_with_space_around_and_the_two_halves_of_the_internet_are_taken() -> None:
    """What has one meaning only needs no question."""
    assert made(web_cidrs=[" 203.0.113.0/24\t"]).web_cidrs == ("203.0.113.0/24",)
    halves = ("0.0.0.0/1", "128.0.0.0/1")
    assert Settings(environment="dev", web_cidrs=halves).web_cidrs == halves


def test_networks_fit_into_the_group_together_with_the_way_for_ssh() -> None:
    """60 rules of a family: two for each network, and one for SSH. IPv4 and IPv6 are counted apart."""
    four = [f"203.0.{number}.0/24" for number in range(30)]
    six = [f"2001:db8:{number}::/48" for number in range(30)]
    assert len(made(web_cidrs=[*four[:29], *six[:29]]).web_cidrs) == 58
    assert ["IPv4" in one.wrong for one in problems(web_cidrs=[*four, *six])] == [True, False]


def test_a_new_vpc_may_have_the_shared_addresses_and_an_existing_one_any_that_aws_has() -> None:
    """Public addresses of a new VPC would hide parts of the internet; an existing one has what it has."""
    assert Settings(environment="dev", vpc_cidr="100.64.0.0/16").public_cidr == "100.64.1.0/24"
    existing: Any = {"vpc_id": "vpc-0123456789abcdef0", "public_subnet_id": "subnet-0123456789abcdef0"}
    for cidr in ("198.51.100.0/24", "203.0.112.0/20", "100.64.0.0/28", "10.0.0.0/28"):
        assert Settings(environment="dev", vpc_cidr=cidr, **existing).vpc_cidr == cidr
    for cidr in ("127.0.0.0/16", "169.254.0.0/16", "224.0.0.0/16", "0.0.0.0/16", "10.0.0.0/29", "10.0.0.0/15"):
        (problem,) = problems(vpc_cidr=cidr, **existing)
        assert problem.field == "vpc_cidr"
    assert "100.64.0.0/10" in problems(vpc_cidr="198.51.100.0/24")[0].right


@pytest.mark.parametrize(
    "value", ["172.30.0.0", "172.30.0.0/22", "172.16.0.0/12", "198.51.0.0/16", "172.30.1.0/16", "10.0.0.0/16", "x"]
)
def test_ranges_for_docker(value: str) -> None:
    """Private, large enough for each network of the containers, and beside the VPC (10.0.0.0/16)."""
    assert {one.field for one in problems(docker_cidr=value)} == {"docker_cidr"}


# Environment variables ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"NO_PROXY": "a,b", "B": "c=d"}', {"NO_PROXY": "a,b", "B": "c=d"}),
        ("A=1, B=2", {"A": "1", "B": "2"}),
        ("A=x=y", {"A": "x=y"}),
        ("A=", {"A": ""}),
    ],
)
def test_env_in_one_variable(text: str, expected: dict[str, str]) -> None:
    """Pairs with commas between them; in JSON, a value may have commas of its own."""
    settings = Settings.from_env({"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_ENV": text})
    assert settings.env == {name: Secret(value) for name, value in expected.items()}


@pytest.mark.parametrize(
    "text",
    [
        "SMTP_PASSWORD=hun,ter2",
        "SMTP_PASSWORD=hun,ter2=x",
        "SMTP_PASSWORD=a,SMTP_PASSWORD=ter2",
        'SMTP_PASSWORD="hun,ter2"',
        "SMTP_PASSWORD='hunter2'",
        '{"SMTP_PASSWORD": "hunter2"',
        '{"SMTP_PASSWORD": "hunter2", "SMTP_PASSWORD": "a"}',
        "[" * 100_000 + "hunter2",
        "{" * 100_000 + "hunter2",
    ],
)
def test_a_comma_in_a_value_does_not_cut_it(text: str) -> None:
    """Half a password would be taken for all of it; nothing of it is shown."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_ENV": text})
    (problem,) = caught.value.problems
    assert "JSON" in problem.right
    assert "DIFY_AWS_ENV" in problem.wrong
    assert "ter2" not in f"{caught.value}{caught.value!r}"


@pytest.mark.parametrize("text", ["80GB", "080", "8_0", "\uff18\uff10", "9" * 5_000, "1e2", "0x50", "80 # GiB", "80.0"])
def test_a_number_is_digits(text: str) -> None:
    """int() alone takes some of these for a number, and dies of another in its own way."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_DATA_VOLUME_GIB": text})
    (problem,) = caught.value.problems
    assert problem.field == "data_volume_gib"
    assert "from 10 to 16384" in problem.right
    assert len(str(caught.value)) < 1_000


def test_a_list_may_be_json() -> None:
    """As a person writes it who knows the TOML file."""
    environ = {"DIFY_AWS_ENVIRONMENT": "dev", "DIFY_AWS_WEB_CIDRS": '["203.0.113.0/24"]'}
    assert Settings.from_env(environ).web_cidrs == ("203.0.113.0/24",)


# Variables of Dify ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("UPLOAD_FILE_SIZE_LIMIT", "50 MB", "does not start with"),
        ("UPLOAD_FILE_SIZE_LIMIT", "50M", "does not start with"),
        ("UPLOAD_FILE_SIZE_LIMIT", "50  # MB", "comment"),
        ("UPLOAD_FILE_SIZE_LIMIT", "", "does not start with"),
        ("UPLOAD_FILE_SIZE_LIMIT", "1e3", "does not start with"),
        ("UPLOAD_FILE_SIZE_LIMIT", "0x10", "does not start with"),
        ("UPLOAD_FILE_SIZE_LIMIT", "\uff15\uff10", "does not start with"),
        ("UPLOAD_FILE_SIZE_LIMIT", "9" * 5_000, "does not start with"),
        ("SMTP_PORT", "587 # TLS", "comment"),
        ("GUNICORN_TIMEOUT", "360s", "does not start with"),
        ("DEBUG", "true  # for now", "comment"),
        ("DEBUG", "ja", "does not start with"),
        ("SMTP_PORT", "465.0", "does not start with"),
        ("ACCESS_TOKEN_EXPIRE_MINUTES", "0", "does not start with"),
        ("LOG_OUTPUT_FORMAT", "xml", "does not start with"),
        ("SOMETHING_NEW", "30 # seconds", "comment"),
        ("SOMETHING_NEW", "true // why", "comment"),
        ("SMTP_PASSWORD", "a\x1bb", "control character"),
        ("SMTP_PASSWORD", "a\u2028b", "control character"),
        ("SMTP_PASSWORD", "a\x85b", "control character"),
        ("SMTP_PASSWORD", "a\0b", "several lines"),
        ("SMTP_PASSWORD", "a\ud800b", "no Unicode"),
        ("SMTP_PASSWORD", "a\u202eb", "invisible"),
        ("SMTP_PASSWORD", "\ufeffab", "invisible"),
        ("SMTP_PASSWORD", "x" * 40_000, "bytes"),
    ],
)
def test_a_value_that_dify_or_env_would_not_read_as_written(name: str, value: str, wrong: str) -> None:
    """Dify does not start with a number that is none; what is not seen is not meant. The value is not shown."""
    (problem,) = problems(env={name: value})
    assert name in problem.wrong
    assert wrong in problem.wrong
    assert value == "" or value not in f"{problem.wrong}{problem.right}"


def test_values_that_only_look_strange_are_taken() -> None:
    """A password may hold whatever a keyboard has."""
    password = "a # b,c=d \"e\" 'f' $g \\h\t%i {j} \U0001f469\u200d\U0001f467"
    env = {"SMTP_PASSWORD": password, "A": " x ", "CODE_MIN_NUMBER": "-1", "DEBUG": "no"}
    settings = Settings(environment="dev", env=env)
    assert {name: str(value.reveal()) for name, value in settings.env.items() if isinstance(value, Secret)} == env


def test_variables_are_limited_together() -> None:
    """Each container is given all of them when it starts."""
    (problem,) = problems(env={f"A{number}": "x" * 30_000 for number in range(10)})
    assert "in all" in problem.wrong


# Mail -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["alarm_email", "email"])
@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("ops@example.com", "example.com"),
        ("ops@mail.example.ORG", "example.org"),
        ("ops@example.co.jp", "example.co.jp"),
        ("ops@dify.test", "test"),
        ("ops@host.local", "local"),
        ("ops@localhost", "localhost"),
        ("ops@company", "no domain"),
        ("ops@203.0.113.7", "no domain"),
        ("ops@[203.0.113.7]", "no domain"),
        ("ops@-a.com", "no domain"),
        ("ops@a..com", "no domain"),
        ("ops@会社.jp", "no domain"),
        (".ops@a-team.com", "before the @"),
        ("o..ps@a-team.com", "before the @"),
        ("@a-team.com", "before the @"),
        ("担当@a-team.com", "before the @"),
        ("x" * 65 + "@a-team.com", "before the @"),
        ('"o ps"@a-team.com', "more than one"),
        ("a@a-team.com,b@a-team.com", "more than one"),
        ("a@a-team.com b@a-team.com", "more than one"),
        ("a@b@a-team.com", "more than one"),
        ("Ops <ops@a-team.com>", "more than a mail address"),
        ("mailto:ops@a-team.com", "more than a mail address"),
        ("ops.a-team.com", "no @"),
        ("", "no @"),
    ],
)
def test_mail_that_would_reach_nobody(field: str, value: str, part: str) -> None:
    """AWS takes nearly anything for an address, and whoever waits for an alarm never hears of it."""
    assert any(part in f"{one.wrong}" for one in problems(**{field: value}) if one.field == field)


def test_mail_with_space_around_is_taken_and_an_admin_may_have_any_domain() -> None:
    """Nobody writes to the admin: the address is what they log in with."""
    assert Settings(environment="dev", alarm_email=" ops@a-team.com\n").alarm_email == "ops@a-team.com"
    assert Settings(environment="dev", admin_email="admin@example.com").admin_email == "admin@example.com"


# Tags and the rest ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tags", "wrong"),
    [
        ({"name": "x"}, "not free"),
        ({"NAME": "x"}, "not free"),
        ({"AWS:x": "x"}, "not free"),
        ({"Dify-Aws:address": "x"}, "not free"),
        ({"Straße": "x", "STRASSE": "y"}, "upper and lower"),
        ({" team": "x"}, "spaces around"),
        ({"team": "x "}, "spaces around"),
        ({"a\u202eb": "x"}, "\\u202e"),
        ({"a\x1b[31mb": "x"}, "\\x1b"),
        ({"a\ud800": "x"}, "\\ud800"),
        ({"a\u2028b": "x"}, "\\u2028"),
        ({"SMTP_PASSWORD": "hunter2"}, "secret"),
    ],
)
def test_tags_that_some_service_refuses(tags: dict[str, str], wrong: str) -> None:
    """IAM takes name and Name for one tag, and refuses the role long after the network was made."""
    found = problems(tags=tags)
    assert any(wrong in one.wrong for one in found)
    text = str(SettingsError(found))
    assert text.isprintable() or text.replace("\n", "").isprintable()
    assert "hunter2" not in text


@pytest.mark.parametrize("zone", ["", "a", "ap-northeast-1", "ap-northeast-1aa", "us-east-1a"])
def test_zones(zone: str) -> None:
    """An empty text is no zone, and not "any"."""
    assert [one.field for one in problems(availability_zone=zone)] == ["availability_zone"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("domain", "dify.\u212aelvin.com"),
        ("instance_type", "m5.\u0662xlarge"),
        ("images", {"nginx": "nginx:日本"}),
        ("images", {"nginx": "nginx:\u0661"}),
        ("admin_name", "a\u202eb"),
        ("admin_name", "a\ud800b"),
        ("admin_name", "a\0b"),
    ],
)
def test_letters_and_digits_of_other_scripts(field: str, value: object) -> None:
    """What looks like a k or a 2 is none to AWS, Docker and DNS."""
    assert {one.field for one in problems(**{field: value})} == {field}

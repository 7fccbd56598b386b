"""What a workflow hands over: files and variables of a branch are settings, or every problem of theirs at once."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from hypothesis import given
from hypothesis import strategies as st

from dify_aws import Settings, SettingsError
from tests.support.fuzzing import TEXTS, VALUES, examples

NAMES: Final = st.one_of(
    st.sampled_from([each.name for each in Settings.__dataclass_fields__.values()]), st.text(max_size=10)
)
NESTED: Final = st.sampled_from(
    ["a = " + "[" * 5000, "a = " + "{b = " * 3000, "[a" + ".a" * 5000 + "]", "a = " + "9" * 9000]
)


@examples(150)
@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_values_of_any_type(values: dict[str, Any]) -> None:
    try:
        Settings(environment="dev").replace(**values)
    except SettingsError as error:
        assert error.problems  # noqa: PT017 - any other error is what is looked for


@examples(100)
@given(st.dictionaries(NAMES, st.one_of(TEXTS, st.sampled_from(['{"a":' * 900, "[" * 9000, "a=1,a=2", "9" * 9000]))))
def test_variables(values: dict[str, str]) -> None:
    environ = {f"DIFY_AWS_{name.upper()}": text for name, text in values.items()}
    try:
        Settings.from_env(environ)
    except SettingsError as error:
        assert error.problems  # noqa: PT017


@examples(80)
@given(st.one_of(st.binary(max_size=60), TEXTS.map(lambda text: text.encode(errors="replace")), NESTED.map(str.encode)))
def test_files(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "settings.toml")
        path.write_bytes(content)
        try:
            Settings.from_file(path)
        except SettingsError as error:
            assert error.problems  # noqa: PT017

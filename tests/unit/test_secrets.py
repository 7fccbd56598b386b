"""A Secret does not show itself, however it is looked at."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback

import pytest

from dify_aws import Secret

KEY = Secret("hunter2")


@pytest.mark.parametrize("shown", [str(KEY), repr(KEY), f"{KEY}", f"{KEY:>20}", repr([KEY]), ascii(KEY)])
def test_it_is_masked(shown: str) -> None:
    assert "hunter2" not in shown
    assert "********" in shown


def test_it_is_masked_in_a_log_and_in_an_exception(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("dify_aws.test").error("key %s %r", KEY, {"key": KEY})
    result = "".join(traceback.format_exception(ValueError("bad key", KEY)))

    assert "hunter2" not in caplog.text + result


def test_joining_it_into_a_command_by_mistake_is_an_error() -> None:
    with pytest.raises(TypeError):
        "echo " + KEY  # type: ignore[operator]


def test_a_secret_is_shown_only_by_reveal() -> None:
    assert KEY.reveal() == "hunter2"


def test_equal_texts_are_equal_secrets() -> None:
    assert Secret("hunter2") == KEY
    assert len({KEY, Secret("hunter2"), Secret("other")}) == 2
    assert KEY != "hunter2"


def test_it_is_not_written_to_a_file_by_accident() -> None:
    with pytest.raises(TypeError, match="Secrets Manager"):
        pickle.dumps(KEY)
    with pytest.raises(TypeError):
        copy.deepcopy(KEY)

"""History: the records of a deployment, in the state bucket of the foundation. Without a foundation there is none."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from dify_aws.aws import Aws, Session
from dify_aws.aws.date import answered_at
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.dify.known_releases import describe_images
from dify_aws.errors import DifyAwsError
from dify_aws.operations.history.record import SECRET_SETTINGS, Record
from dify_aws.operations.history.record_store import RecordStore
from dify_aws.outputs import Outputs
from dify_aws.settings import Settings

log = logging.getLogger(__name__)

NEWEST: Final = 20
"""How many records are listed by default."""

PERMISSIONS: Final = frozenset({"s3:GetObject", "s3:ListBucket", "s3:PutObject"})
"""Every IAM action that records need."""


def write_record(
    aws: Aws, settings: Settings, changes: Sequence[Mapping[str, Any]], outputs: Outputs | None, *, verb: str
) -> Record | None:
    """Keep what a run did, after it has done it. One call if there is no foundation.

    What was done is done, so nothing is raised: a record that cannot be written is a warning of the logger.

    Args:
        changes: what was done; if that is nothing, nothing is written.
        outputs: what came of it; None after a destroy.
        verb: what was run, as "apply".

    Returns:
        The record; None if none was written.
    """
    if not changes:
        return None
    try:
        record_store = RecordStore(aws)
        numbers = record_store.numbers()
        if numbers is None:
            return None
        identity = aws.call("sts.GetCallerIdentity")
        with reading("sts.GetCallerIdentity", "record who did it"):
            who, account = identity["Arn"], identity["Account"]
        record = Record.of(settings, changes, outputs, verb=verb, at=answered_at(identity), who=who, account=account)
        return replace(record, number=record_store.add(record.to_json(), numbers))
    except DifyAwsError as error:
        log.warning("what was done to %s is not in its history: %s", aws.deployment, error)
        return None


def history(aws: Aws, *, newest: int = NEWEST) -> tuple[Record, ...]:
    """The records of the deployment, the newest first. None without a foundation. Reads only.

    Args:
        newest: how many at the most.
    """
    record_store = RecordStore(aws)
    numbers = record_store.numbers() or []
    return tuple(_read(aws, record_store, number) for number in numbers[::-1][:newest])


def load(
    environment: str,
    *,
    project: str = "dify",
    region: str | None = None,
    session: Session | None = None,
    **overrides: object,
) -> Settings:
    """The settings of the last run that made something, for whoever has lost the file.

    A destroy needs no more than a name and a region, so what it was given says nothing.

    Args:
        environment: which one, as "dev".
        region: where it is; without one, the region of the session.
        overrides: settings that count instead of the recorded ones.

    Raises:
        DifyAwsError: nothing is recorded, or what is there is no record of this deployment; or the values of ``env``
            are needed, which are never recorded.
        SettingsError: there can be no such environment; or this version of dify_aws does not take the settings any
            more.
    """
    deployment = Settings(environment=environment, project=project).deployment
    aws = Aws(session, deployment=deployment, region=region)
    fixed = {"environment": environment, "project": project, "region": aws.region}
    record = _last_made(aws)
    if record is None:
        raise DifyAwsError(
            f"nothing is recorded of {aws.deployment} in {aws.region}. Records begin with the first apply() after the "
            "foundation was made (dify_aws.Foundation); look at the region and the account, too."
        )
    given = dict(record.settings)
    for name in SECRET_SETTINGS:
        known = given.pop(name, ())
        if known and name not in overrides:
            names = ", ".join(map(str, known))
            raise DifyAwsError(
                f"the values of {name} may be secret and are not recorded: give them ({names}), as in "
                f'load("{environment}", {name}={{"{known[0]}": …}}). With {name}={{}} they are taken away.'
            )
    settings = Settings(environment=environment).replace(**{**given, **fixed, **overrides})
    if settings.images:
        log.warning("%s: %s", aws.deployment, describe_images(settings.images))
    return settings


def _last_made(aws: Aws) -> Record | None:
    record_store = RecordStore(aws)
    records = (_read(aws, record_store, number) for number in reversed(record_store.numbers() or []))
    return next((record for record in records if record.outputs is not None), None)


def _read(aws: Aws, record_store: RecordStore, number: int) -> Record:
    """A record, if it is one of this deployment: whoever may write to the bucket could have put another one there."""
    record = Record.read(number, record_store.read(number), record_store.where(number))
    project, _, environment = aws.deployment.partition("/")
    expected = {
        "account": (record.account, aws.account),
        "deployment": (record.deployment, aws.deployment),
        "region": (record.region, aws.region),
        "settings.project": (record.settings.get("project"), project),
        "settings.environment": (record.settings.get("environment"), environment),
        "settings.region": (record.settings.get("region"), aws.region),
    }
    wrong = [
        f"its {name} is {found!r} and not {right!r}" for name, (found, right) in expected.items() if found != right
    ]
    if wrong:
        raise DifyAwsError(
            f"{record_store.where(number)} is of another deployment: {', '.join(wrong)}. Nothing of it is used. "
            "The bucket keeps what was there before: bring the earlier version back, or delete this one."
        )
    return record

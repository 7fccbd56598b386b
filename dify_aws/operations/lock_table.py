"""LockTable: the table in DynamoDB where the locks of a project are, as one of its deployments uses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.date import told_at
from dify_aws.blueprints.foundation import LOCK_KEY, foundation_name, lock_table, lock_table_name
from dify_aws.engine.converge import converge
from dify_aws.errors import AwsError, DifyAwsError
from dify_aws.operations.holder import OF_HOLDER, Holder, said

USABLE_SECONDS: Final = 60.0
"""How long a table that was just made may not be known to all of DynamoDB."""

NOT_SO: Final = "ConditionalCheckFailedException"
NO_TABLE: Final = "ResourceNotFoundException"

TURN: Final = "turn"
"""The attribute that stays when a lock is given back."""


@dataclass(frozen=True)
class Standing:
    """How it stands with a lock: how many turns there have been, and whose it is now, be the lease over or not."""

    turn: int = 0
    holder: Holder | None = None


class LockTable:
    """What can be done to the lock of the deployment that ``aws`` belongs to, one call each.

    DynamoDB judges the condition of a write and carries it out in one step. Threads may share it.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._project = aws.deployment.partition("/")[0]
        self.name = lock_table_name(self._project)
        self._told: tuple[datetime, float, float] | None = None

    def look(self) -> Standing | None:
        """How it stands with the lock; None: there is no table."""
        answer = self._asked()
        return _standing(answer) if answer is not None else None

    def look_at_made(self) -> Standing:
        """Like :meth:`look`, but the table is made if there is none.

        Raises:
            NotOurs: there is one, and it is not ours.
        """
        answer = self._asked()
        if answer is None:
            self._make()
            answer = self._aws.patience.until(self._asked, USABLE_SECONDS)
        if answer is None:
            raise DifyAwsError(f"the table {self.name} was made and cannot be used. Run again in a minute.")
        return _standing(answer)

    def now(self) -> datetime:
        """AWS's time, or a little before it: no lease is taken for over that may not be."""
        assert self._told is not None, "look first"
        told, _, after = self._told
        return told + timedelta(seconds=self._aws.clock.now() - after)

    def at_the_latest(self) -> datetime:
        """AWS's time, or a little after it, however long the last answer was on its way."""
        assert self._told is not None, "look first"
        told, before, _ = self._told
        return told + timedelta(seconds=self._aws.clock.now() - before)

    def put(self, holder: Holder, *, over: Standing) -> bool:
        """Put the lock there as the next turn, if it stands as in ``over`` still.

        False if it does not (any more); that may also be because ours is there, and the answer was lost.
        """
        conditions, values = ["attribute_not_exists(#turn)"], {}
        if over.turn:
            conditions, values = ["#turn = :turn"], {":turn": _number(over.turn)}
        if over.holder:
            # Whoever has it may have renewed it meanwhile.
            conditions += ["#expires = :expires"]
            values |= {":expires": said(over.holder.expires)}
        names = {"#turn": TURN} | ({"#expires": "expires"} if over.holder else {})
        return self._did(
            "PutItem",
            Item=holder.item() | {TURN: _number(over.turn + 1)},
            ConditionExpression=" AND ".join(conditions),
            ExpressionAttributeNames=names,
            **({"ExpressionAttributeValues": values} if values else {}),
        )

    def renew(self, id: str, expires: datetime) -> bool:
        """Renew the lock; False if it is not there any more."""
        return self._did(
            "UpdateItem",
            Key=self._key,
            UpdateExpression="SET #expires = :expires",
            ConditionExpression="#id = :id",
            ExpressionAttributeNames={"#id": "id", "#expires": "expires"},
            ExpressionAttributeValues={":id": {"S": id}, ":expires": said(expires)},
        )

    def remove(self, id: str) -> bool:
        """Take the lock away, and leave only how many turns there have been; False if it is not there (any more)."""
        return self._did(
            "UpdateItem",
            Key=self._key,
            UpdateExpression="REMOVE " + ", ".join(f"#{name}" for name in OF_HOLDER),
            ConditionExpression="#id = :id",
            ExpressionAttributeNames={f"#{name}": name for name in OF_HOLDER},
            ExpressionAttributeValues={":id": {"S": id}},
        )

    @property
    def _key(self) -> dict[str, Any]:
        return {LOCK_KEY: {"S": self._aws.deployment}}

    def _asked(self) -> dict[str, Any] | None:
        """What DynamoDB answers to who asks for the lock; None if there is no table."""
        began = self._aws.clock.now()
        try:
            answer = self._aws.call("dynamodb.GetItem", TableName=self.name, Key=self._key, ConsistentRead=True)
        except AwsError as error:
            if error.code != NO_TABLE:
                raise
            return None
        self._told = told_at(answer), began, self._aws.clock.now()
        return answer

    def _did(self, operation: str, **params: Any) -> bool:
        try:
            self._aws.call(f"dynamodb.{operation}", TableName=self.name, **params)
        except AwsError as error:
            # Without a table there is no lock either.
            if error.code not in (NOT_SO, NO_TABLE):
                raise
            return False
        return True

    def _make(self) -> None:
        """Make the table, or wait for another run that makes it at this moment."""
        # It belongs to the foundation, which may be made later and finds it, or never.
        ground = Aws(self._aws.session, deployment=foundation_name(self._project), region=self._aws.region)
        table = lock_table(self._project)
        converge(table, ground, table.find(ground))


def _standing(answer: dict[str, Any]) -> Standing:
    item = answer.get("Item", {})
    return Standing(int(item[TURN]["N"]) if item else 0, Holder.read(item) if "id" in item else None)


def _number(number: int) -> dict[str, str]:
    return {"N": str(number)}

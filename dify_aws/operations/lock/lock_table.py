"""LockTable: the table in DynamoDB where the locks of a project are, as one of its deployments uses it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from dify_aws.aws import Aws
from dify_aws.aws.date import answered_at
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.engine.converge import converge
from dify_aws.errors import AwsError, DifyAwsError
from dify_aws.operations.lock.errors import LockUnreadable
from dify_aws.operations.lock.lock_owner import OWNER_ATTRIBUTES, LockOwner, timestamp
from dify_aws.topologies.foundation import LOCK_KEY, foundation_name, lock_table, lock_table_name

USABLE_SECONDS: Final = 60.0
"""How long a table that was just made may not be known to all of DynamoDB."""

NOT_SO: Final = "ConditionalCheckFailedException"
NO_TABLE: Final = "ResourceNotFoundException"

TURN: Final = "turn"
"""The attribute that stays when a lock is given back."""

PERMISSIONS: Final = frozenset(
    {
        "dynamodb:CreateTable",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:ListTagsOfResource",
        "dynamodb:PutItem",
        "dynamodb:TagResource",
        "dynamodb:UpdateItem",
        "tag:GetResources",
    }
)
"""Every IAM action that a lock needs, with those that make its table."""


@dataclass(frozen=True)
class LockState:
    """How it stands with a lock: how many turns there have been, and whose it is now, be the lease over or not."""

    turn: int = 0
    lock_owner: LockOwner | None = None


class LockTable:
    """What can be done to the lock of the deployment that ``aws`` belongs to, one call each.

    DynamoDB judges the condition of a write and carries it out in one step. Threads may share it.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.ConditionExpressions.html
    """

    def __init__(self, aws: Aws) -> None:
        self._aws = aws
        self._project = aws.deployment.partition("/")[0]
        self.name = lock_table_name(self._project)
        self._answered: tuple[datetime, float, float] | None = None

    def look(self) -> LockState | None:
        """How it stands with the lock; None: there is no table."""
        answer = self._get_item()
        return self._standing(answer) if answer is not None else None

    def look_at_made(self) -> LockState:
        """Like :meth:`look`, but the table is made if there is none.

        Raises:
            NotOurs: there is one, and it is not ours.
        """
        answer = self._get_item()
        if answer is None:
            self._make()
            answer = self._aws.retries.until(self._get_item, USABLE_SECONDS)
        if answer is None:
            raise DifyAwsError(f"the table {self.name} was made and cannot be used. Run again in a minute.")
        return self._standing(answer)

    def now(self) -> datetime:
        """AWS's time, or a little before it: no lease is taken for over that may not be."""
        assert self._answered is not None, "look first"
        aws_time, _, after = self._answered
        return aws_time + timedelta(seconds=self._aws.clock.now() - after)

    def at_the_latest(self) -> datetime:
        """AWS's time, or a little after it, however long the last answer was on its way."""
        assert self._answered is not None, "look first"
        aws_time, before, _ = self._answered
        return aws_time + timedelta(seconds=self._aws.clock.now() - before)

    def put(self, lock_owner: LockOwner, *, over: LockState) -> bool:
        """Put the lock there as the next turn, if it stands as in ``over`` still.

        False if it does not (any more); that may also be because ours is there, and the answer was lost.
        """
        conditions, values = ["attribute_not_exists(#turn)"], {}
        if over.turn:
            conditions, values = ["#turn = :turn"], {":turn": _number(over.turn)}
        if over.lock_owner:
            # Whoever has it may have renewed it meanwhile.
            conditions += ["#expires = :expires"]
            values |= {":expires": timestamp(over.lock_owner.expires)}
        names = {"#turn": TURN} | ({"#expires": "expires"} if over.lock_owner else {})
        return self._did(
            "PutItem",
            Item=lock_owner.item() | {TURN: _number(over.turn + 1)},
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
            ExpressionAttributeValues={":id": {"S": id}, ":expires": timestamp(expires)},
        )

    def remove(self, id: str) -> bool:
        """Take the lock away, and leave only how many turns there have been; False if it is not there (any more)."""
        return self._did(
            "UpdateItem",
            Key=self._key,
            UpdateExpression="REMOVE " + ", ".join(f"#{name}" for name in OWNER_ATTRIBUTES),
            ConditionExpression="#id = :id",
            ExpressionAttributeNames={f"#{name}": name for name in OWNER_ATTRIBUTES},
            ExpressionAttributeValues={":id": {"S": id}},
        )

    def remove_unreadable(self, lock_id: str) -> bool:
        """Take a lock away that nobody can read, if it is still the one that ``lock_id`` names; False if it is not."""
        item = (self._get_item() or {}).get("Item", {})
        if lock_id != unreadable_id(item):
            return False
        names = (*OWNER_ATTRIBUTES, TURN)
        # Whatever of ours has been written since changes one of these.
        same = [f"#{name} = :{name}" if name in item else f"attribute_not_exists(#{name})" for name in names]
        try:
            turn = _turn(item)
        except ValueError:
            # Larger than every count, so no run takes it for a count that it has seen.
            turn = int(self.now().timestamp() * 1000)
        known = {f":{name}": item[name] for name in names if name in item}
        # The whole item is written anew: one that somebody has filled to DynamoDB's limit takes no update.
        return self._did(
            "PutItem",
            Item=self._key | {TURN: _number(turn + 1)},
            ConditionExpression=" AND ".join(same),
            ExpressionAttributeNames={f"#{name}": name for name in names},
            **({"ExpressionAttributeValues": known} if known else {}),
        )

    def _standing(self, answer: dict[str, Any]) -> LockState:
        with reading(self.name, "know who has the lock"):
            item = answer.get("Item", {})
            if not item:
                return LockState()
            try:
                return LockState(_turn(item), LockOwner.read(item) if "id" in item else None)
            except ValueError as error:
                raise LockUnreadable(
                    self._aws.deployment, self.name, lock_id=unreadable_id(item), wrong=str(error)
                ) from error

    @property
    def _key(self) -> dict[str, Any]:
        return {LOCK_KEY: {"S": self._aws.deployment}}

    def _get_item(self) -> dict[str, Any] | None:
        """What DynamoDB answers to who asks for the lock; None if there is no table."""
        began = self._aws.clock.now()
        try:
            answer = self._aws.call("dynamodb.GetItem", TableName=self.name, Key=self._key, ConsistentRead=True)
        except AwsError as error:
            if error.code != NO_TABLE:
                raise
            return None
        self._answered = answered_at(answer), began, self._aws.clock.now()
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
        foundation = Aws(self._aws.session, deployment=foundation_name(self._project), region=self._aws.region)
        table = lock_table(self._project)
        # It is not there, as DynamoDB has just answered; one that is made at this moment is found.
        converge(table, foundation, None)


def unreadable_id(item: dict[str, Any]) -> str:
    """What names a lock that has no id of its own: a digest of what a run of ours would have written."""
    content = repr([item.get(name) for name in (*OWNER_ATTRIBUTES, TURN)])
    return "unreadable-" + hashlib.sha256(content.encode(errors="surrogatepass")).hexdigest()[:32]


def _turn(item: dict[str, Any]) -> int:
    try:
        text = item[TURN]["N"]
        # The length first: int() refuses thousands of digits, and DynamoDB has 38.
        if len(text) <= 30 and (turn := int(text)) > 0:
            return turn
    except (LookupError, TypeError, ValueError) as error:
        raise ValueError(f"its {TURN} is no number ({type(error).__name__})") from error
    raise ValueError(f"its {TURN} is out of range")


def _number(number: int) -> dict[str, str]:
    return {"N": str(number)}

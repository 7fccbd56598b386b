"""Aws: the one client of AWS's API. It creates service clients once, translates errors, retries what AWS has not caught
up with, adds ownership tags and client tokens to create requests, and keeps the read cache."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import boto3
from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError

from dify_aws.aws import create_request, waiters
from dify_aws.aws.errors import availability, error_translation
from dify_aws.aws.errors.unexpected_answer import reading
from dify_aws.aws.physical_name import check_place, physical_name
from dify_aws.aws.read_cache import ReadCache
from dify_aws.aws.retry_rules import RetryRules
from dify_aws.aws.service_clients import Clients
from dify_aws.aws.sessions import open_session, region_of
from dify_aws.aws.waiters import Waiter
from dify_aws.clock import Clock, SystemClock
from dify_aws.errors import AwsError

T = TypeVar("T")

log = logging.getLogger(__name__)

GENERATIONS: Final = 1000
"""How many used tokens of one thing are passed over: a new one every 86 s for the 24 hours that EC2 remembers them."""


class Aws:
    """One account, one region, one deployment in it.

    Args:
        session: a ``boto3.Session``; without one, boto3's default chain (AWS_PROFILE, AWS_ENDPOINT_URL, … count).
        deployment: the name under which things are made and found again (the tag ``dify-aws:deployment``).
        region: overrides the region of the session (AWS_DEFAULT_REGION or the profile; AWS_REGION if they have none).
        tags: further tags for everything that is made.

    Raises:
        SettingsError: no region is known, or the name of the deployment cannot be used.
        CredentialsError: the profile does not exist.
    """

    def __init__(
        self,
        session: boto3.Session | None = None,
        *,
        deployment: str,
        region: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        self.session = session or open_session()
        self.deployment = deployment
        self.region = region or region_of(self.session, default_chain=session is None)
        self.tags = dict(tags or {})
        check_place(self.deployment, self.region)
        self.clock: Clock = getattr(self.session, "clock", None) or SystemClock()
        self.retries = RetryRules(self.clock)
        self.read_cache = ReadCache()
        self._clients = Clients(self.session, self.region)
        self._identity: tuple[str, str] | None = None
        self._fresh: set[str] = set()
        self._generations: dict[str, int] = {}

    def __repr__(self) -> str:
        return f"Aws(deployment={self.deployment!r}, region={self.region!r})"

    # Who and where ---------------------------------------------------------------------------------------------------

    @property
    def account(self) -> str:
        """The id of the account that the credentials belong to."""
        return self._caller()[0]

    @property
    def partition(self) -> str:
        """``aws``, ``aws-cn`` or ``aws-us-gov``: the first part of every ARN."""
        return self._caller()[1]

    def _caller(self) -> tuple[str, str]:
        if self._identity is None:
            found = self.call("sts.GetCallerIdentity")
            with reading("sts.GetCallerIdentity", "know whose account it is"):
                self._identity = (found["Account"], found["Arn"].split(":")[1])
        return self._identity

    @property
    def ca_bundle(self) -> str | None:
        """Whom boto3 trusts to vouch for a server, where a person chose it: a file, or a folder of certificates."""
        session: Any = self.session
        return session._session.get_config_variable("ca_bundle") or os.environ.get("REQUESTS_CA_BUNDLE")

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """The ARN of something of this account; ``region=""`` for the global services."""
        place = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{place}:{self.account}:{resource}"

    # Calls -----------------------------------------------------------------------------------------------------------

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        """Call ``service.Operation`` and return the answer.

        Raises:
            AwsError: what AWS refused, after botocore's own retries and after the lags that are known to pass.
        """
        service, name = operation.split(".")
        method = getattr(self._clients.get(service), xform_name(name))
        params = self._of_this_account(service, name, params)
        answer: dict[str, Any] = self._with_retries(operation, params, lambda: method(**params))
        return answer

    def call_once(self, operation: str, **params: Any) -> dict[str, Any]:
        """Like :meth:`call`, but without waiting for what AWS has not caught up with: its first answer counts.

        Raises:
            AwsError: what AWS refused, after botocore's own retries.
        """
        service, name = operation.split(".")
        method = getattr(self._clients.get(service), xform_name(name))
        answer: dict[str, Any] = self._attempt(operation, "", lambda: method(**params))
        return answer

    def pages(self, operation: str, result: str, **params: Any) -> list[dict[str, Any]]:
        """Every item under ``result`` of a paged operation (of one that is not paged: of its only answer).

        Raises:
            AwsError: as for :meth:`call`.
        """
        service, name = operation.split(".")
        client, method = self._clients.get(service), xform_name(name)
        if not client.can_paginate(method):
            return list(self.call(operation, **params).get(result, ()))
        params = self._of_this_account(service, name, params)
        pages = client.get_paginator(method).paginate(**params)
        return self._with_retries(operation, params, lambda: [item for page in pages for item in page.get(result, ())])

    def create(
        self,
        operation: str,
        address: str,
        *,
        keep: bool,
        tags: Mapping[str, str] | None = None,
        token_seed: str = "",
        tagged: bool = True,
        tagged_types: Sequence[str] = (),
        **params: Any,
    ) -> dict[str, Any]:
        """Make a thing that carries our tags (and ``tags``) from its first moment on.

        Where AWS does not take them in that call (``tagged=False``), they have to be put on right after it.

        Args:
            token_seed: what is new with each deployment and that every run can see, so that its client tokens are not
                those of a deployment that was destroyed: docs/decisions/client-tokens-have-a-seed.md
            tagged_types: what a call of EC2 makes, where its name does not say so ("elastic-ip" of AllocateAddress).

        Raises:
            OutcomeUnknown: the answer was lost, and asking again could make a second one: look first.
            AwsError: as for :meth:`call`.
        """
        service, name = operation.split(".")
        model = self._clients.get(service).meta.service_model.operation_model(name)
        if not create_request.is_repeatable(model):
            self._clients.unrepeatable.add(operation)
        carried = {**self.ownership(address, keep=keep), **(tags or {})}
        while True:
            generation = self._generations.get(address, 0)
            request = create_request.create_request(
                model,
                params,
                carried if tagged else None,
                generation=generation,
                seed=token_seed,
                tagged_types=tagged_types,
            )
            try:
                answer = self.call(operation, **request)
            except AwsError as error:
                if (
                    error.code not in create_request.TOKEN_ALREADY_USED
                    or self._generations.get(address, 0) >= GENERATIONS
                ):
                    raise
                self.next_generation(address)
            else:
                self._fresh |= create_request.new_names(answer, model.output_shape)
                for member, value in request.items():
                    if member.endswith("Name") or member == "Bucket":
                        self._fresh.add(value)
                        if tagged:
                            # AWS took the tags in the same request: there is no need to ask what they are.
                            self.read_cache.know(create_request.TAGS, carried, value)
                return answer

    def has_made(self, name: str) -> bool:
        """Whether this run has made the thing with this name, id or ARN."""
        return name in self._fresh

    def next_generation(self, address: str) -> None:
        """What the last token made is gone: the next :meth:`create` of this address asks for a new one."""
        self._generations[address] = self._generations.get(address, 0) + 1

    def wait(self, waiter: Waiter, **params: Any) -> dict[str, Any]:
        """Wait for what a waiter describes; the last answer.

        Raises:
            WaitTimedOut: it took longer than the waiter allows.
            AwsError: it failed, or AWS could not be asked.
        """
        client = self._clients.get(waiter.service)
        # A thing that was just made may be unknown to the part of AWS that is asked: the waiters do not know that.
        return self.retries.call(
            lambda: waiters.wait(client, self.clock, waiter, self.region, params), lambda: self._mentions_new(params)
        )

    def physical_name(self, address: str, *more: str) -> str:
        """What the thing of this address is called, where AWS knows it by a name: no other deployment has the same."""
        return physical_name(self.deployment, address.partition("/")[2], *more)

    def ownership(self, address: str, *, keep: bool) -> dict[str, str]:
        """The tags that everything we make carries: whose it is, which wish it fulfils, and the user's own."""
        tags = {
            **self.tags,
            "Name": f"{self.deployment.replace('/', '-')}-{address.partition('/')[2]}",
            create_request.TAG_DEPLOYMENT: self.deployment,
            create_request.TAG_ADDRESS: address,
        }
        return {**tags, create_request.TAG_KEEP: "true"} if keep else tags

    # A run ----------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """A new run: look at everything anew, and take nothing for fresh."""
        self._fresh.clear()
        self.read_cache.forget_all()
        if isinstance(self.clock, SystemClock):
            self.clock.resume()

    def stop_waiting(self) -> None:
        """End every wait at once (Ctrl-C): waiting only reads, so nothing is lost by it."""
        if isinstance(self.clock, SystemClock):
            self.clock.stop()

    def _of_this_account(self, service: str, name: str, params: dict[str, Any]) -> dict[str, Any]:
        """The parameters of a call, which say whose bucket is meant wherever S3 can be told so.

        A name that was given up may be taken by anybody: what we read and write is never another account's.
        https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
        """
        if service != "s3":
            return params
        shape = self._clients.get(service).meta.service_model.operation_model(name).input_shape
        if shape is None or "ExpectedBucketOwner" not in shape.members:
            return params
        return {**params, "ExpectedBucketOwner": self.account}

    def _with_retries(self, operation: str, params: Mapping[str, Any], ask: Callable[[], T]) -> T:
        bucket = str(params.get("Bucket", ""))
        log.debug("%s", operation)
        return self.retries.call(
            lambda: self._attempt(operation, bucket, ask), lambda: self._mentions_new(params), bucket
        )

    def _attempt(self, operation: str, bucket: str, ask: Callable[[], T]) -> T:
        try:
            return ask()
        except Exception as error:
            if (meant := self._meant(operation, error, bucket)) is not None:
                raise meant from error
            raise

    def _meant(self, operation: str, error: Exception, bucket: str) -> AwsError | None:
        """The error of ours for what was raised by a call; None if it is no error of the call."""
        client = self._clients.get(operation.partition(".")[0])
        if (lacking := availability.not_available(operation, error, client, self.session)) is not None:
            return lacking
        if isinstance(error, ClientError):
            return error_translation.refusal(operation, error, self.region, bucket)
        if isinstance(error, BotoCoreError):
            return error_translation.failure(operation, error)
        return error_translation.no_terminal(operation, error) or error_translation.unreadable(operation, error)

    def _mentions_new(self, params: Mapping[str, Any]) -> bool:
        return bool(self._fresh) and not self._fresh.isdisjoint(_strings(params))


def _strings(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)

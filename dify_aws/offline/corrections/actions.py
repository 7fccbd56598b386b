"""Actions: every EC2 action is atomic, executes due changes first, and changes nothing with DryRun."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.core.responses import ActionResult
from moto.ec2.exceptions import DryRunClientError

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction, corrects


@corrects(
    "moto.ec2.responses:EC2Response",
    "call_action",
    says="DryRun=True makes every EC2 operation answer DryRunOperation (412) and change nothing.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html",
)
def one_step(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    with cloud.lock:
        cloud.settle()
        if response._get_param("DryRun", False):
            _, headers, body = response.serialized(ActionResult(DryRunClientError()))
            return 412, {**headers, "status": "412"}, body
        return original()


@corrects(
    "moto.core.serialize:SerializationContext",
    "__init__",
    says="Every response has its own request id, which AWS Support requires.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
)
def request_ids_differ(
    cloud: Cloud, original: Callable[[str], None], context: Any, request_id: str | None = None
) -> None:
    original(request_id or str(uuid4()))


# The only correction that is not about AWS: moto searches the class of a service at each call. Once is enough, and 10 %
# faster.
look_once = Correction(
    owner="moto.core.responses:",
    attributes=("method_names_from_class",),
    says="The operations of a service do not change between calls.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/OperationList-query.html",
    replace=lambda cloud, original: functools.cache(original),
)

CORRECTIONS = (one_step, request_ids_differ, look_once)

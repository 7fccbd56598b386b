"""Actions: what holds for every EC2 action: it is one step, what is due has happened, and DryRun does nothing."""

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
    says="Every answer has a request id of its own, and support asks for it.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html",
)
def request_ids_differ(
    cloud: Cloud, original: Callable[[str], None], context: Any, request_id: str | None = None
) -> None:
    original(request_id or str(uuid4()))


# The one correction that is not about AWS: moto looks all through the class of a service at each call. Once is enough,
# and a tenth faster.
look_once = Correction(
    owner="moto.core.responses:",
    attributes=("method_names_from_class",),
    says="What a service can do does not change from call to call.",
    link="https://docs.aws.amazon.com/AWSEC2/latest/APIReference/OperationList-query.html",
    replace=lambda cloud, original: functools.cache(original),
)

CORRECTIONS = (one_step, request_ids_differ, look_once)

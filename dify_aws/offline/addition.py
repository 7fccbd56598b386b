"""Addition: an EC2 action that moto does not have, and how it is installed and removed."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.responses import EC2Response

from dify_aws.offline.cloud import Cloud
from dify_aws.offline.correction import Correction

_REFERENCE = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference"


class Addition(Correction):
    """An EC2 action that moto does not have, so there is no method of moto to wrap."""

    def install(self, cloud: Cloud) -> Callable[[], None]:
        """See :meth:`Correction.install`.

        Raises:
            TypeError: moto has this action now; use a correction instead.
        """
        (action,) = self.attributes
        if hasattr(EC2Response, action):
            raise TypeError(f"moto has {action} now")
        setattr(EC2Response, action, self.replace(cloud, None))
        return functools.partial(delattr, EC2Response, action)


def adds(*, says: str) -> Callable[[Callable[[Cloud, Any], ActionResult]], Addition]:
    """A decorator: makes an addition of a function with the name of the action.

    Args:
        says: what AWS does.
    """

    def make(function: Callable[[Cloud, Any], ActionResult]) -> Addition:
        name = function.__name__
        page = "".join(part.capitalize() for part in name.split("_"))

        def replace(cloud: Cloud, original: None) -> Callable[[Any], ActionResult]:
            return lambda response: function(cloud, response)

        return Addition(
            owner="moto.ec2.responses:EC2Response",
            attributes=(name,),
            says=says,
            link=f"{_REFERENCE}/API_{page}.html",
            replace=replace,
        )

    return make

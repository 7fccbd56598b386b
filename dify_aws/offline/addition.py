"""Addition: an action of EC2 that moto does not have, and how it is put in place and taken away again."""

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
    """An action of EC2 that moto does not have, so that there is nothing of moto's to stand around."""

    def install(self, cloud: Cloud) -> Callable[[], None]:
        """See :meth:`Correction.install`. TypeError if moto has the action by now: then correct that one."""
        (action,) = self.attributes
        if hasattr(EC2Response, action):
            raise TypeError(f"moto has {action} by now")
        setattr(EC2Response, action, self.replace(cloud, None))
        return functools.partial(delattr, EC2Response, action)


def adds(*, says: str) -> Callable[[Callable[[Cloud, Any], ActionResult]], Addition]:
    """Make an addition out of a function that is called as the action is."""

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

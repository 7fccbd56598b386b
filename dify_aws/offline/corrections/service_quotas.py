"""Service Quotas: the quotas of an account; moto knows only the defaults of one service."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from dify_aws.offline.cloud import DEFAULT_QUOTAS, Cloud
from dify_aws.offline.correction import corrects

_QUOTA_NAMES: Final = {
    "L-F678F1CE": "vpc",
    "L-0263D0A3": "elastic-ip",
    "L-A4707A72": "internet-gateway",
    "L-FE5A380F": "nat-gateway",
}
"""The quotas that the world enforces, by code."""

_OTHER_DEFAULTS: Final = {"L-1216C47A": 32}
"""Quotas that are only reported: vCPUs of standard instances."""


@corrects(
    "moto.servicequotas.responses:ServiceQuotasResponse",
    "call_action",
    says="GetServiceQuota returns changed quotas; some others are returned only by GetAWSDefaultServiceQuota.",
    link="https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_GetServiceQuota.html",
)
def applied_and_default(cloud: Cloud, original: Callable[[], Any], response: Any) -> Any:
    operation = response._get_action()
    if operation not in ("GetServiceQuota", "GetAWSDefaultServiceQuota"):
        return original()
    request = json.loads(response.body)
    code = request["QuotaCode"]
    quota_name = _QUOTA_NAMES.get(code, "")
    default = DEFAULT_QUOTAS.get(quota_name) or _OTHER_DEFAULTS.get(code)
    applied = cloud.quotas.get(quota_name)
    value = default if operation != "GetServiceQuota" else applied if applied != default else None
    headers = {"content-type": "application/x-amz-json-1.1"}
    if value is None:
        fault = {"__type": "NoSuchResourceException", "Message": f"There is no quota {code} that was changed."}
        return 400, {**headers, "status": "400"}, json.dumps(fault)
    quota = {"ServiceCode": request["ServiceCode"], "QuotaCode": code, "Value": float(value)}
    return 200, {**headers, "status": "200"}, json.dumps({"Quota": quota})


CORRECTIONS = (applied_and_default,)

"""The corrections, one file a subject: what AWS does and moto does not."""

from __future__ import annotations

from dify_aws.offline.correction import Correction
from dify_aws.offline.corrections import (
    actions,
    addresses,
    buckets,
    connect_endpoints,
    consoles,
    dependencies,
    endpoints,
    images,
    instances,
    monitoring,
    nat_gateways,
    oidc_providers,
    pricing,
    profiles,
    quotas,
    routes,
    schedules,
    secrets,
    tables,
    tokens,
    trails,
    volumes,
    vpcs,
)

# Later ones stand around earlier ones: a token is looked at before anything else of a call, and all of it is one step.
ALL: tuple[Correction, ...] = (
    *images.CORRECTIONS,
    *instances.CORRECTIONS,
    *consoles.CORRECTIONS,
    *profiles.CORRECTIONS,
    *volumes.CORRECTIONS,
    *nat_gateways.CORRECTIONS,
    *endpoints.CORRECTIONS,
    *connect_endpoints.CORRECTIONS,
    *routes.CORRECTIONS,
    *addresses.CORRECTIONS,
    *dependencies.CORRECTIONS,
    *vpcs.CORRECTIONS,
    *quotas.CORRECTIONS,
    *tokens.CORRECTIONS,
    *buckets.CORRECTIONS,
    *monitoring.CORRECTIONS,
    *secrets.CORRECTIONS,
    *pricing.CORRECTIONS,
    *actions.CORRECTIONS,
    *schedules.CORRECTIONS,
    *tables.CORRECTIONS,
    *trails.CORRECTIONS,
    *oidc_providers.CORRECTIONS,
)

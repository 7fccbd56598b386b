"""The corrections, one file per subject: what AWS does and moto does not."""

from __future__ import annotations

from dify_aws.offline.correction import Correction
from dify_aws.offline.corrections import (
    actions,
    agents,
    event_history,
    monitoring,
    pricing,
    schedules,
    secrets,
    service_quotas,
    tables,
    trails,
    visibility,
)
from dify_aws.offline.corrections.ec2 import (
    addresses,
    connect_endpoints,
    consoles,
    cpu_credits,
    dependencies,
    endpoints,
    images,
    instances,
    launches,
    nat_gateways,
    offerings,
    quotas,
    root_volumes,
    routes,
    tokens,
    volumes,
    vpcs,
)
from dify_aws.offline.corrections.iam import identities, oidc_providers, policies, profiles, roles
from dify_aws.offline.corrections.s3 import bucket_settings, buckets

# Later ones wrap earlier ones: a token is checked before everything else, and the whole action is atomic.
ALL: tuple[Correction, ...] = (
    *images.CORRECTIONS,
    *instances.CORRECTIONS,
    *consoles.CORRECTIONS,
    *profiles.CORRECTIONS,
    *roles.CORRECTIONS,
    *volumes.CORRECTIONS,
    *cpu_credits.CORRECTIONS,
    *offerings.CORRECTIONS,
    *launches.CORRECTIONS,
    *root_volumes.CORRECTIONS,
    *event_history.CORRECTIONS,
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
    *bucket_settings.CORRECTIONS,
    *policies.CORRECTIONS,
    *monitoring.CORRECTIONS,
    *secrets.CORRECTIONS,
    *pricing.CORRECTIONS,
    *visibility.CORRECTIONS,
    *actions.CORRECTIONS,
    *schedules.CORRECTIONS,
    *tables.CORRECTIONS,
    *trails.CORRECTIONS,
    *oidc_providers.CORRECTIONS,
    *identities.CORRECTIONS,
    *service_quotas.CORRECTIONS,
    *agents.CORRECTIONS,
)

"""Notes of a plan: what the settings of an environment cost, or let out, that a person may want otherwise."""

from __future__ import annotations

from dify_aws.dify.known_releases import describe_images, describe_release, release_of
from dify_aws.prices.cpu_credits import surplus_month
from dify_aws.prices.nat_gateway import nat_gateway_month
from dify_aws.settings import Settings


def notes_of(settings: Settings) -> list[str]:
    """What a plan says beside its changes.

    Args:
        settings: of the environment.

    Returns:
        One note for each setting that costs money or trust without being asked for.
    """
    notes = []
    if settings.nat_gateway and not settings.vpc_id:
        notes.append(
            f"The NAT gateway costs {nat_gateway_month(settings.region)} plus traffic, and nothing in the private "
            "subnet uses it yet. nat_gateway=False leaves it out (or takes it away); it can come back when something "
            "needs it."
        )
    if settings.cpu_credits == "unlimited" and (most := surplus_month(settings.instance_type, settings.region)):
        notes.append(
            f"cpu_credits='unlimited': if {settings.instance_type} computes more than it earns credits for over a day, "
            f"AWS bills the rest, at the most about ${most:.0f} a month. cpu_credits='standard' slows it down instead."
        )
    if note := describe_release(settings.dify_version, settings.release):
        notes.append(note)
    release = release_of(settings.dify_version, settings.release)
    if unknown := sorted(settings.env.keys() - release.variables.keys() - release.types.keys()):
        notes.append(
            f"env has {', '.join(unknown)}, which the record of Dify {release.version} does not know: only the "
            "containers of dify-api are given it. Check the spelling."
        )
    if settings.telemetry:
        notes.append("telemetry=True: Dify and Next.js report about this installation to their makers (otel.dify.ai).")
    if settings.images:
        notes.append(describe_images(settings.images))
    return notes

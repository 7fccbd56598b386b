"""Installed: what is known in AWS of the Dify on the machine: read by every plan, written by every installation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from dify_aws.aws import Aws
from dify_aws.aws.create_request import tag_list
from dify_aws.change import Affected, Change
from dify_aws.dify.known_releases import release_of
from dify_aws.dify.upgrades import gates_crossed, goes_back
from dify_aws.engine.discovery import owned
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.resource import Actual
from dify_aws.errors import DifyAwsError, PlanRefused
from dify_aws.host.report import Report
from dify_aws.outputs import Outputs
from dify_aws.resources import Instance
from dify_aws.runtimes.compose.fingerprint import TAG, UNFINISHED, Fingerprint, Installed
from dify_aws.runtimes.compose.pending_changes import not_installed, pending_changes
from dify_aws.settings import Settings
from dify_aws.topologies.single_host.topology import topology_of

ADDRESS: Final = "dify"
"""Of Dify itself in a plan, beside the resources of AWS."""


def with_dify(plan: Plan, settings: Settings, found: Mapping[str, Actual | None]) -> Plan:
    """The plan of AWS's resources with what an installation would change on the machine. Asks nobody.

    Args:
        plan: of the resources.
        settings: what is desired.
        found: what there is of the resources, by address.

    Raises:
        PlanRefused: as :func:`upgrade_notes`.
    """
    there = {address: actual for address, actual in found.items() if actual is not None}
    host = there.get(topology_of(settings).addresses.host)
    plan = plan.noted(*upgrade_notes(settings, {} if host is None else host.tags))
    action = _action(settings, there)
    return plan if action is None else replace(plan, actions=(*plan.actions, action))


def upgrade_notes(settings: Settings, tags: Mapping[str, str]) -> tuple[str, ...]:
    """What to know before the release that is installed becomes the one of the settings.

    Args:
        settings: what is desired.
        tags: of the machine.

    Returns:
        A note for each gate that is crossed.

    Raises:
        PlanRefused: the release is older than the one that is installed, or a gate has to be crossed step by step.
    """
    installed = Installed.read(tags)
    release = release_of(settings.dify_version, settings.release)
    if installed is None or installed.release == release.version:
        return ()
    if goes_back(installed.release, release):
        reason = (
            f"Dify {installed.release} is installed, and {release.version} is older: its databases only go forward. "
            f'Set dify_version to "{installed.release}" or a newer release, or restore a backup that was made with '
            "the older one"
        )
        raise PlanRefused([(ADDRESS, DifyAwsError(reason))])
    gates = tuple(gates_crossed(installed.release, release, settings, settings.images))
    if stops := [gate for gate in gates if gate.stops]:
        where = f"from {installed.release} to {release.version}"
        raise PlanRefused([(ADDRESS, DifyAwsError(f"{where}: {gate.reason}")) for gate in stops])
    return tuple(
        f"Dify {installed.release} → {release.version}: {gate.reason}"
        + ("" if gate.reversible else " There is no way back behind this without a backup.")
        for gate in gates
    )


def with_report(plan: Plan, report: Report) -> Plan:
    """The plan with what a dry run found on the host, in place of what its tags say.

    Args:
        plan: as :func:`with_dify` makes it.
        report: of a dry run of the installer.
    """
    changes = tuple(
        Change(each.step, None, Affected(tuple(str(change) for change in each.changes) or ("would be done",)))
        for each in report.outcomes
        if each.state == "would change"
    )
    if not changes:
        return plan
    others = tuple(action for action in plan.actions if action.address != ADDRESS)
    return replace(plan, actions=(*others, Action("update", ADDRESS, report.where, changes)))


def _action(settings: Settings, there: Mapping[str, Actual]) -> Action | None:
    topology = topology_of(settings)
    host = there.get(topology.addresses.host)
    if host is None or Installed.read(host.tags) is None:
        return Action("create", ADDRESS, changes=not_installed(settings))
    try:
        outputs = topology.outputs(settings, there)
    except KeyError:  # something of AWS has to be created first, an address perhaps
        later = Change("on the machine", None, Affected(("known when AWS is as desired",)))
        return Action("update", ADDRESS, host.id, (later,))
    changes = pending_changes(settings, outputs, host.tags)
    return Action("update", ADDRESS, host.id, changes) if changes else None


def tags_of(aws: Aws, instance_id: str) -> Mapping[str, str]:
    """The tags of the machine, as AWS was last asked for them.

    Args:
        aws: the client.
        instance_id: of the machine.
    """
    return next((each.tags for each in owned(Instance, aws) if each.id == instance_id), {})


class InstallationMark:
    """The tags of the machine that say what is installed on it, during one installation.

    Before its first change the mark says that the installation is not finished; after its last probe, what was
    installed. So a run that failed or was killed leaves a machine that the next plan shows as a change.

    Args:
        aws: the client.
        settings: what is desired.
        instance_id: of the machine.
        tags: of the machine, as they are.
    """

    def __init__(self, aws: Aws, settings: Settings, instance_id: str, tags: Mapping[str, str]) -> None:
        self._aws = aws
        self._settings = settings
        self._instance_id = instance_id
        self._tags = dict(tags)

    def unfinished(self) -> None:
        """Before something on the machine is changed. Writes once, and only on a machine that was finished."""
        installed = Installed.read(self._tags)
        if installed is not None and installed.finished:
            self._write({TAG: f"{UNFINISHED} {installed.release}"})

    def finished(self, outputs: Outputs) -> None:
        """After everything was proved. Writes only what is not so already.

        Args:
            outputs: of the environment.
        """
        tags = Fingerprint.of(self._settings, outputs).tags()
        stale = {name: "" for name in self._tags if name.startswith(f"{TAG}-") and name not in tags}
        self._write({name: value for name, value in {**tags, **stale}.items() if self._tags.get(name, "") != value})

    def _write(self, tags: Mapping[str, str]) -> None:
        if tags:
            self._aws.call("ec2.CreateTags", Resources=[self._instance_id], Tags=tag_list(tags))
            self._tags |= tags

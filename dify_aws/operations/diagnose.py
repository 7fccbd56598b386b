"""Diagnose: looks at everything that is known to go wrong, from AWS to the containers, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.install.mask import Mask
from dify_aws.install.masked_log import masked_log
from dify_aws.operations import dify_secrets
from dify_aws.operations.checks import backups, drift, instance, keys, machine, ports, quotas, run_lock, ssh_access
from dify_aws.operations.checks import watching as watched
from dify_aws.operations.checks.scene import Check, NotThere, Scene
from dify_aws.operations.connect import connected
from dify_aws.operations.diagnosis import Diagnosis, Finding, unknown
from dify_aws.operations.door import look
from dify_aws.operations.host_key import pinned_key
from dify_aws.operations.reach import Reach
from dify_aws.operations.way_in import leased, way_in
from dify_aws.outputs import Outputs
from dify_aws.resources.stored_secret import read_secret
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from dify_aws.walk import WORKERS

OutputsOf = Callable[[Mapping[str, Actual | None]], Outputs]

CHECKS: Final[Mapping[str, Check]] = {
    "instance": instance.instance,
    "instance type": instance.offer,
    "SSH rule": ssh_access.ssh_access,
    "SSH key": keys.ssh_key,
    "host key": keys.host_key,
    "DNS": ports.name,
    "port 80": ports.port_80,
    "port 443": ports.port_443,
    "alarms": watched.alarms,
    "agent": watched.agent,
    "backups": backups.backups,
    "lock": run_lock.run_lock,
    "waste": drift.orphans,
    **dict(quotas.quotas()),
}
"""By what they are called when they cannot be made. Each asks what it needs and nothing of another."""

PERMISSIONS: Final = frozenset().union(
    *(each.PERMISSIONS for each in (backups, instance, keys, ports, quotas, run_lock, ssh_access, watched))
)
"""Every IAM action beside those of a plan; for the machine, that of reading the two secrets comes to it."""


def diagnose(
    aws: Aws,
    settings: Settings,
    stack: Stack,
    reach: Reach,
    outputs_of: OutputsOf,
    *,
    open_access: bool = False,
) -> Diagnosis:
    """Look at all of it. Nothing is changed, nothing raised: what cannot be looked at is a finding.

    Args:
        outputs_of: the outputs of what is there; it may raise if something is missing.
        open_access: also lease a way to the machine if none is open, and give it back: that writes a rule and its
            schedule. Without it, the machine is looked at only if a way to it exists.
    """
    aws.begin()
    scene = Scene(aws, settings, stack, reach)
    # First, because it reads all that there is: the others find most of their answers in the census after it.
    first = _findings("drift", drift.drift, scene)

    def on_the_machine(scene: Scene) -> Iterable[Finding]:
        return _on_the_machine(scene, outputs_of, open_access)

    together: Mapping[str, Check] = CHECKS if open_access else {**CHECKS, "machine": on_the_machine}
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="dify-aws-diagnose") as pool:
        asked = [pool.submit(_findings, subject, check, scene) for subject, check in together.items()]
    later = [finding for each in asked for finding in each.result()]
    if open_access:
        # After the others: they are to see the way as it was before we opened one.
        later += _findings("machine", on_the_machine, scene)
    return Diagnosis(aws.deployment, aws.region, (*first, *later))


def _findings(subject: str, check: Check, scene: Scene) -> list[Finding]:
    """What a check found, as far as it got."""
    findings: list[Finding] = []
    try:
        findings.extend(check(scene))
    except NotThere as missing:
        findings.append(unknown(subject, str(missing), "deploy() makes it."))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told as that
        findings.append(unknown(subject, f"{type(error).__name__}: {error}"))
    return findings


def _on_the_machine(scene: Scene, outputs_of: OutputsOf, open_access: bool) -> Iterator[Finding]:
    host = scene.there("instance/host")
    if host["state"] != "running":
        yield unknown("machine", "not looked at: it does not run")
        return
    outputs = outputs_of(scene.found())
    if not open_access and (closed := _no_way(scene, outputs)):
        yield unknown("machine", f"not looked at: {closed}", "diagnose(open_access=True) opens a way for as long.")
        return
    secrets = _secrets(scene, outputs)
    with ExitStack() as way:
        way.enter_context(masked_log(secrets or ()))
        if scene.settings.ssh == "tunnel":
            reached, _ = way.enter_context(way_in(scene.aws, scene.settings, outputs, scene.reach))
        else:
            if open_access:
                way.enter_context(leased(scene.aws, scene.settings, outputs, scene.reach))
            # SSH has patience with a machine that boots. A diagnosis has not.
            yield (answers := ports.ssh(scene))
            if answers.condition != "ok":
                return
            reached = way.enter_context(connected(scene.aws, outputs, scene.reach))
        # By AWS's clock, and what has gone by since: this machine's may be wrong.
        told, then = scene.this_moment().timestamp(), scene.aws.clock.now()
        wanted = machine.checks(scene.settings, lambda: told + scene.aws.clock.now() - then)
        yield from machine.look(reached, wanted, None if secrets is None else Mask(secrets))


def _no_way(scene: Scene, outputs: Outputs) -> str:
    """Why the machine cannot be reached without changing anything; empty if it can."""
    if pinned_key(scene.aws, outputs.secrets["ssh-private-key"], outputs.instance_id) is None:
        return "its host key is not pinned yet, and pinning it is a change"
    if scene.settings.ssh == "tunnel":
        return ""
    openings, _ = look(scene.aws, outputs.security_groups["host"])
    if ssh_access.lets_in(openings, scene.my_address()) is None:
        return f"port 22 is not open to this machine ({scene.my_address()})"
    return ""


def _secrets(scene: Scene, outputs: Outputs) -> tuple[Secret, ...] | None:
    """All that must not be shown; None if that could not be read."""
    try:
        kept = dify_secrets.read(scene.aws, outputs.secrets["application"]).values
        key = read_secret(scene.aws, outputs.secrets["ssh-private-key"])
    except Exception:  # noqa: BLE001 - then nothing that could hold one is shown
        return None
    given = (value for value in scene.settings.env.values() if isinstance(value, Secret))
    return (*kept, *given, *([key] if key else []))

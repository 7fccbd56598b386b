"""Diagnose: looks at everything that is known to go wrong, from AWS to the containers, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Final

from dify_aws.aws import Aws
from dify_aws.engine.resource import Actual
from dify_aws.engine.stack import Stack
from dify_aws.host.mask import Mask
from dify_aws.host.masked_log import masked_log
from dify_aws.operations.access.connect import connected
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.host_connection import leased, open_connection
from dify_aws.operations.access.host_key import pinned_key
from dify_aws.operations.access.ingress_rule import look
from dify_aws.operations.cost.waste import owned
from dify_aws.operations.credentials import dify_secrets
from dify_aws.operations.diagnosis.checks import (
    backups,
    drift,
    instance,
    keys,
    machine,
    ports,
    quotas,
    run_lock,
    ssh_access,
)
from dify_aws.operations.diagnosis.checks import watching as watched
from dify_aws.operations.diagnosis.checks.check_context import Check, CheckContext, NotThere
from dify_aws.operations.diagnosis.diagnosis import NOTHING, Diagnosis, Finding, unknown, wrong
from dify_aws.outputs import Outputs
from dify_aws.resources.secretsmanager.stored_secret import read_secret
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
    connectivity: Connectivity,
    build_outputs: OutputsOf,
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
    context = CheckContext(aws, settings, stack, connectivity)
    # First, because it reads all that there is: the others find most of their answers in the read cache after it.
    first = _findings("drift", drift.drift, context)
    if not any(finding.condition == "unknown" for finding in first) and not owned(aws):
        # A lock that another run has, or that cannot be read, would be in the way of deploy().
        lock = [finding for finding in _findings("lock", run_lock.run_lock, context) if finding.condition != "ok"]
        return Diagnosis(aws.deployment, aws.region, (wrong(NOTHING, "there is none", "deploy() makes it."), *lock))

    def on_the_machine(context: CheckContext) -> Iterable[Finding]:
        return _on_the_machine(context, build_outputs, open_access)

    together: Mapping[str, Check] = CHECKS if open_access else {**CHECKS, "machine": on_the_machine}
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="dify-aws-diagnose") as pool:
        pending = [pool.submit(_findings, subject, check, context) for subject, check in together.items()]
    later = [finding for each in pending for finding in each.result()]
    if open_access:
        # After the others: they are to see the way as it was before we opened one.
        later += _findings("machine", on_the_machine, context)
    return Diagnosis(aws.deployment, aws.region, (*first, *later))


def _findings(subject: str, check: Check, context: CheckContext) -> list[Finding]:
    """What a check found, as far as it got."""
    findings: list[Finding] = []
    try:
        findings.extend(check(context))
    except NotThere as missing:
        findings.append(unknown(subject, str(missing), "deploy() makes it."))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told as that
        findings.append(unknown(subject, f"{type(error).__name__}: {error}"))
    return findings


def _on_the_machine(context: CheckContext, build_outputs: OutputsOf, open_access: bool) -> Iterator[Finding]:
    host = context.there(context.addresses.host)
    if host["state"] != "running":
        yield unknown("machine", "not looked at: it does not run")
        return
    outputs = build_outputs(context.found())
    if not open_access and (closed := _no_way(context, outputs)):
        yield unknown("machine", f"not looked at: {closed}", "diagnose(open_access=True) opens a way for as long.")
        return
    secrets = _secrets(context, outputs)
    with ExitStack() as way:
        way.enter_context(masked_log(secrets or ()))
        if context.settings.ssh == "tunnel":
            reached, _ = way.enter_context(
                open_connection(context.aws, context.settings, outputs, context.connectivity)
            )
        else:
            if open_access:
                way.enter_context(leased(context.aws, context.settings, outputs, context.connectivity))
            # SSH has patience with a machine that boots. A diagnosis has not.
            yield (answers := ports.ssh(context))
            if answers.condition != "ok":
                return
            reached = way.enter_context(connected(context.aws, outputs, context.connectivity))
        # By AWS's clock, and what has gone by since: this machine's may be wrong.
        aws_time, then = context.this_moment().timestamp(), context.aws.clock.now()
        wanted = machine.checks(context.settings, lambda: aws_time + context.aws.clock.now() - then)
        yield from machine.look(reached, wanted, None if secrets is None else Mask(secrets))


def _no_way(context: CheckContext, outputs: Outputs) -> str:
    """Why the machine cannot be reached without changing anything; empty if it can."""
    if pinned_key(context.aws, outputs.secrets["ssh-private-key"], outputs.instance_id) is None:
        return "its host key is not pinned yet, and pinning it is a change"
    if context.settings.ssh == "tunnel":
        return ""
    openings, _ = look(context.aws, outputs.security_groups["host"])
    if ssh_access.lets_in(openings, context.my_address()) is None:
        return f"port 22 is not open to this machine ({context.my_address()})"
    return ""


def _secrets(context: CheckContext, outputs: Outputs) -> tuple[Secret, ...] | None:
    """All that must not be shown; None if that could not be read."""
    try:
        kept = dify_secrets.read(context.aws, outputs.secrets["application"]).values
        key = read_secret(context.aws, outputs.secrets["ssh-private-key"])
    except Exception:  # noqa: BLE001 - then nothing that could hold one is shown
        return None
    given = (value for value in context.settings.env.values() if isinstance(value, Secret))
    return (*kept, *given, *([key] if key else []))

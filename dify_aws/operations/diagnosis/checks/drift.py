"""Drift: what is not as the settings say, what is paid for and of no use, and what is no longer desired."""

from __future__ import annotations

from collections.abc import Iterator

from dify_aws.engine.plan import Plan
from dify_aws.errors import PlanRefused
from dify_aws.operations.cost.waste import owned, waste
from dify_aws.operations.diagnosis.checks.check_context import CheckContext
from dify_aws.operations.diagnosis.diagnosis import Finding, ok, warning, wrong
from dify_aws.prices.sheet import PriceSheet


def drift(context: CheckContext) -> Iterator[Finding]:
    """What apply() would do."""
    try:
        plan = context.stack.plan(context.aws)
    except PlanRefused as refused:
        for address, error in refused.errors:
            yield wrong("drift", f"{address}: {error}", "apply() would refuse all of it until that is settled.")
        return
    yield _drift(plan)
    for action in plan:
        if action.verb == "keep":
            evidence = f"{action.address} ({action.id}) is ours, holds data, and no setting speaks of it any more"
            yield warning("orphan", evidence, "apply() leaves it. destroy(delete_data=True) deletes it with the rest.")


def _drift(plan: Plan) -> Finding:
    if not plan:
        return ok("drift", "AWS is as the settings say")
    todo = [action for action in plan if action.verb != "keep"]
    evidence = "; ".join(
        f"{action.verb} {action.address}"
        + (f" ({', '.join(change.attribute for change in action.changes)})" if action.verb == "update" else "")
        for action in todo
    )
    missing = any(action.verb == "create" for action in todo)
    make = wrong if missing else warning
    return make("drift", f"{plan.summary()}: {evidence}", "plan() shows all of it, and apply() makes it so.")


def orphans(context: CheckContext) -> Iterator[Finding]:
    """What is ours, costs money every month, and is used by nothing."""
    rows = waste(owned(context.aws), PriceSheet.shipped(), context.aws.region)
    for row in rows:
        evidence = str(row).removesuffix(f" {row.remedy}")
        yield warning("waste", evidence, row.remedy)
    if not rows:
        yield ok("waste", "all that is paid for is used")

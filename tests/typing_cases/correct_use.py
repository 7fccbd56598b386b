"""The public face as a type checker sees it: `make types` checks each of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, assert_type

import dify_aws

if TYPE_CHECKING:
    deployment = dify_aws.Deployment(dify_aws.Settings(environment="dev"))
    assert_type(deployment.plan(), dify_aws.Plan)
    assert_type(deployment.plan_destroy(delete_data=True), dify_aws.Plan)
    assert_type(deployment.apply(), dify_aws.Outputs)
    assert_type(deployment.apply(deployment.plan()), dify_aws.Outputs)
    assert_type(deployment.install(dry_run=True), dify_aws.Report)
    assert_type(deployment.deploy(), dify_aws.Outputs)
    assert_type(deployment.status(), dify_aws.Status)
    assert_type(deployment.status().open_accesses, tuple[dify_aws.OpenAccess, ...])
    assert_type(deployment.outputs(), dify_aws.Outputs)
    assert_type(deployment.diagnose(open_access=True), dify_aws.Diagnosis)
    assert_type(deployment.estimate_cost(live=True, use=dify_aws.Use()), dify_aws.CostEstimate)
    assert_type(deployment.sbom(recorded=False), str)
    assert_type(deployment.history(newest=1), tuple[dify_aws.Record, ...])
    assert_type(deployment.close_access(), tuple[str, ...])
    assert_type(deployment.unlock("0123"), dify_aws.LockOwner | None)
    assert_type(deployment.adopt("vpc/main", "vpc-1", plan=None), dify_aws.Plan)
    assert_type(deployment.plan_adopt("vpc/main", "vpc-1"), dify_aws.Plan)
    assert_type(deployment.pin_host_key("ssh-ed25519 AAAA"), str)
    assert_type(deployment.reset_admin_password(email="a@example.com"), dify_aws.AdminPassword)
    assert_type(deployment.destroy(delete_data=False), dify_aws.Applied)
    assert_type(deployment.stack, dify_aws.Stack)
    assert_type(dify_aws.Deployment.load("dev"), dify_aws.Deployment)
    with deployment.access("203.0.113.9", minutes=15, owner="me") as lease:
        assert_type(lease, dify_aws.Lease)
        assert_type(lease.address, str)
    with dify_aws.offline() as world:
        assert_type(world, dify_aws.World)

    foundation = dify_aws.Foundation(github_repository="owner/name")
    assert_type(foundation.apply(), dify_aws.FoundationOutputs)
    assert_type(foundation.outputs().github_roles, Mapping[str, str])
    assert_type(dify_aws.permissions(deployment.settings, "123456789012"), dify_aws.Permissions)
    assert_type(dify_aws.github_workflow(deployment.settings), str)
    assert_type(dify_aws.import_release("dify"), dify_aws.ReleaseDraft)
    assert_type(dify_aws.check_release("1.18.0.toml"), dify_aws.ReleaseCheck)

    try:
        deployment.deploy()
    except dify_aws.RunFailed as failed:
        assert_type(failed.done, tuple[str, ...])
    except dify_aws.InstallFailed as stopped:
        assert_type(stopped.report, dify_aws.Report)
        assert_type(stopped.where, str)
    except dify_aws.AlreadyLocked as kept:
        assert_type(kept.lock_id, str)
    except dify_aws.SettingsError as wrong:
        assert_type(wrong.problems, tuple[dify_aws.Problem, ...])

"""Deployment: one Dify on AWS, and the verbs to use on it: the body of the class is the table of all verbs."""

from __future__ import annotations

from typing import Self

from dify_aws.aws import Session
from dify_aws.events import Listener
from dify_aws.operations.history.history import load
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import verbs_of
from dify_aws.verbs.access import access, close_access
from dify_aws.verbs.adopt import adopt, plan_adopt
from dify_aws.verbs.apply import apply
from dify_aws.verbs.deploy import deploy
from dify_aws.verbs.destroy import destroy, plan_destroy
from dify_aws.verbs.diagnose import diagnose
from dify_aws.verbs.estimate_cost import estimate_cost
from dify_aws.verbs.history import history
from dify_aws.verbs.install import install
from dify_aws.verbs.outputs import outputs
from dify_aws.verbs.password import password
from dify_aws.verbs.pin_host_key import pin_host_key
from dify_aws.verbs.plan import plan
from dify_aws.verbs.reset_admin_password import reset_admin_password
from dify_aws.verbs.sbom import sbom
from dify_aws.verbs.ssh import ssh
from dify_aws.verbs.status import status
from dify_aws.verbs.unlock import unlock


class Deployment(DeploymentContext):
    """One environment of Dify in one account and region.

    It has no state of its own: each verb begins by reading AWS, so it does not matter which script, notebook or
    machine ran the last one, or whether that one was killed. Whatever changes the deployment holds its lock, so that
    one run at a time is at work, and is recorded in its history.

    Args:
        settings: what is desired. For :meth:`destroy`, only its environment and region have to be right.
        session: a ``boto3.Session``; without one, boto3's default chain (AWS_PROFILE, AWS_ENDPOINT_URL, … count).
        listener: is called with each event as it happens, as :class:`~dify_aws.Progress` is.
        connectivity: the world beside AWS's API; the internet, or what the session brings (the offline world's does).
        wait: seconds to wait for the end of another run that has the lock; 0 does not wait. None: only as long as it
            takes to see that the other run renews it (half a minute), or for the end of its lease if it was killed.
        address: the public address of this computer, which port 22 is opened for during the work. None:
            a page of AWS is asked for it.

    Raises:
        CredentialsError: the profile does not exist.
        SettingsError: ``address`` is no public address.
    """

    # In the order of the help. A verb is a function in a file of dify_aws/verbs, and a line here.
    plan = plan
    deploy = deploy
    apply = apply
    install = install
    status = status
    outputs = outputs
    diagnose = diagnose
    estimate_cost = estimate_cost
    password = password
    ssh = ssh
    sbom = sbom
    history = history
    access = access
    close_access = close_access
    unlock = unlock
    adopt = adopt
    plan_adopt = plan_adopt
    pin_host_key = pin_host_key
    reset_admin_password = reset_admin_password
    destroy = destroy
    plan_destroy = plan_destroy

    @classmethod
    def load(
        cls,
        environment: str,
        *,
        project: str = "dify",
        region: str | None = None,
        session: Session | None = None,
        listener: Listener | None = None,
        **overrides: object,
    ) -> Self:
        """A deployment whose settings file is lost, with the settings of the last run that made something.

        They are in its history, which begins with the first run after the :class:`~dify_aws.Foundation` was made.

        Args:
            environment: which one, as "dev".
            project: the first part of its name.
            region: where it is; without one, the region of the session.
            session: as above.
            listener: as above.
            overrides: settings that count instead of the recorded ones; those of ``env`` are never recorded.

        Returns:
            The deployment.

        Raises:
            DifyAwsError: nothing is recorded, or the record is of another deployment; or the values of ``env`` are
                needed.
            SettingsError: this version of dify_aws does not take the settings any more.
        """
        return cls(load(environment, project=project, region=region, session=session, **overrides), session, listener)


VERBS = verbs_of(Deployment)

"""Dify on AWS from Python: ``import dify_aws``, one ``Deployment``, and it is there.

>>> import dify_aws
>>> settings = dify_aws.Settings(environment="dev")
>>> settings.deployment
'dify/dev'
"""

from typing import TYPE_CHECKING

from dify_aws.aws import Aws, Session
from dify_aws.aws.adoption_view import Listed
from dify_aws.aws.errors.unexpected_answer import UnexpectedAnswer
from dify_aws.aws.retry_rule import RetryRule
from dify_aws.aws.waiters import Waiter
from dify_aws.change import Change, Unknown
from dify_aws.deployment import Deployment
from dify_aws.dify.drafts.comparison import Comparison
from dify_aws.dify.drafts.draft import ReleaseDraft, import_release
from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.release import Gate, Job, Release, Requirements
from dify_aws.dify.routes import Route
from dify_aws.dify.service import Need, Service
from dify_aws.dify.variable_types import ValueType
from dify_aws.dify.variables import Reader, Refusal, Variable
from dify_aws.engine.applied import Applied
from dify_aws.engine.fact import Alternative, Fact
from dify_aws.engine.node import Node, Nodes, Referable
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.progress import Progress
from dify_aws.engine.resource import Actual, Ref, Resource
from dify_aws.engine.run_lock import RunLock
from dify_aws.engine.saved_plan import load_plan, save_plan
from dify_aws.engine.stack import Stack
from dify_aws.errors import (
    Ambiguous,
    AwsError,
    ChangeRefused,
    CredentialsError,
    DeletionProtected,
    DifyAwsError,
    FixedAttribute,
    NotAvailable,
    NotConverged,
    NotOurs,
    OutcomeUnknown,
    PermissionDenied,
    PlanOutdated,
    PlanRefused,
    Problem,
    QuotaExceeded,
    ResourceError,
    RunFailed,
    SettingsError,
    StackError,
    WaitTimedOut,
)
from dify_aws.events import Event, Listener
from dify_aws.foundation import Foundation
from dify_aws.foundation_outputs import FoundationOutputs
from dify_aws.host.errors import (
    AuthenticationRefused,
    CommandFailed,
    CommandTimedOut,
    ConnectionLost,
    ContainerFailed,
    FactUnreadable,
    HostClosed,
    HostError,
    HostKeyMismatch,
    InstallFailed,
    SessionRefused,
    StepNotConverged,
    StepRefused,
    Unreachable,
)
from dify_aws.host.fact import Answer
from dify_aws.host.fact import Fact as HostFact
from dify_aws.host.fact import Facts as HostFacts
from dify_aws.host.host import Host
from dify_aws.host.host import Result as CommandResult
from dify_aws.host.packages.publishers import Publishers
from dify_aws.host.report import Outcome, Report
from dify_aws.host.ssh.host_key import FirstUse
from dify_aws.host.ssh.tunnel import TunnelRefused
from dify_aws.host.step import StepsWrong
from dify_aws.host.steps.signed_package import PackageUntrusted
from dify_aws.iam_policies.grants import Grant
from dify_aws.offline import offline
from dify_aws.operations.access.connectivity import Connectivity
from dify_aws.operations.access.lease import Lease
from dify_aws.operations.adopt import NotAdoptable
from dify_aws.operations.check_release import ReleaseCheck, check_release
from dify_aws.operations.cost.bill import Use
from dify_aws.operations.cost.estimate import CostEstimate, CostRow, Saving
from dify_aws.operations.credentials.admin_password import AdminPassword
from dify_aws.operations.diagnosis.diagnosis import Diagnosis, Finding
from dify_aws.operations.history.record import Record
from dify_aws.operations.lock.errors import AlreadyLocked, LockLost, LockUnreadable
from dify_aws.operations.lock.lock import Lock
from dify_aws.operations.lock.lock_owner import LockOwner
from dify_aws.operations.lock.process_identity import ProcessIdentity
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.recorded_run import RecordedRun
from dify_aws.operations.run.verb import Verb, changing_verb, reading_verb, verbs_of
from dify_aws.operations.status import OpenAccess, Status
from dify_aws.operations.workflow import github_workflow
from dify_aws.outputs import Endpoint, HostOutput, Outputs
from dify_aws.permissions import Permissions, permissions
from dify_aws.resources import (
    Alarm,
    Bucket,
    ElasticIp,
    Instance,
    InstanceConnectEndpoint,
    InstanceProfile,
    InstanceType,
    InternetGateway,
    KeyPair,
    LifecycleRule,
    LogGroup,
    NatGateway,
    OidcProvider,
    PublicAccessBlock,
    Role,
    RouteTable,
    Rule,
    ScheduleGroup,
    SecurityGroup,
    StoredSecret,
    Subnet,
    Table,
    Topic,
    Trail,
    Volume,
    Vpc,
    VpcEndpoint,
    Zone,
)
from dify_aws.resources.secretsmanager.stored_secret import SecretUnusable
from dify_aws.run_interrupted import RunInterrupted
from dify_aws.runtimes.compose.admin_password import AccountUnknown
from dify_aws.runtimes.compose.https.domain import DomainElsewhere
from dify_aws.secrets import Secret
from dify_aws.settings import Settings
from dify_aws.topologies.account import Account
from dify_aws.topologies.topology import HostInstaller, ResourceAddresses, Topology
from dify_aws.verbs.password import Login

if TYPE_CHECKING:
    from dify_aws.offline.world import World

# fmt: off
__all__ = [
    "Account", "AccountUnknown", "Action", "Actual", "AdminPassword", "Alarm", "AlreadyLocked", "Alternative",
    "Ambiguous", "Answer", "Applied", "AuthenticationRefused", "Aws", "AwsError", "Bucket", "Change", "ChangeRefused",
    "CommandFailed", "CommandResult", "CommandTimedOut", "Comparison", "ConnectionLost", "Connectivity",
    "ContainerFailed", "CostEstimate", "CostRow", "CredentialsError", "DeletionProtected", "Deployment",
    "DeploymentContext", "Diagnosis", "DifyAwsError", "DomainElsewhere", "ElasticIp", "Endpoint", "Event", "Fact",
    "FactUnreadable", "Finding", "FirstUse", "FixedAttribute", "Foundation", "FoundationOutputs", "Gate", "Grant",
    "Host", "HostClosed", "HostError", "HostFact", "HostFacts", "HostInstaller", "HostKeyMismatch", "HostOutput",
    "InstallFailed", "Instance", "InstanceConnectEndpoint", "InstanceProfile", "InstanceType", "InternetGateway", "Job",
    "KeyPair", "Lease", "LifecycleRule", "Listed", "Listener", "Lock", "LockLost", "LockOwner", "LockUnreadable",
    "LogGroup", "Login", "NatGateway", "Need", "Node", "Nodes", "NotAdoptable", "NotAvailable", "NotConverged",
    "NotOurs", "OidcProvider", "OpenAccess", "Outcome", "OutcomeUnknown", "Outputs", "PackageUntrusted",
    "PermissionDenied", "Permissions", "Plan", "PlanOutdated", "PlanRefused", "Problem", "ProcessIdentity", "Progress",
    "PublicAccessBlock", "Publishers", "QuotaExceeded", "Reader", "Record", "RecordedRun", "Ref", "Referable",
    "Refusal", "Release", "ReleaseCheck", "ReleaseDraft", "ReleaseError", "Report", "Requirements", "Resource",
    "ResourceAddresses", "ResourceError", "RetryRule", "Role", "Route", "RouteTable", "Rule", "RunFailed",
    "RunInterrupted", "RunLock", "Saving", "ScheduleGroup", "Secret", "SecretUnusable", "SecurityGroup", "Service",
    "Session", "SessionRefused", "Settings", "SettingsError", "Stack", "StackError", "Status", "StepNotConverged",
    "StepRefused", "StepsWrong", "StoredSecret", "Subnet", "Table", "Topic", "Topology", "Trail", "TunnelRefused",
    "UnexpectedAnswer", "Unknown", "Unreachable", "Use", "ValueType", "Variable", "Verb", "Volume", "Vpc",
    "VpcEndpoint", "WaitTimedOut", "Waiter", "World", "Zone", "changing_verb", "check_release", "github_workflow",
    "import_release", "load_plan", "offline", "permissions", "reading_verb", "save_plan", "verbs_of",
]
# fmt: on


def __getattr__(name: str) -> object:
    """``World``, the type of what :func:`offline` gives: it needs moto, which only the extra "offline" installs."""
    if name == "World":
        from dify_aws.offline.world import World

        return World
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """What an editor offers: the exported names."""
    return __all__

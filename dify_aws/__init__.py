"""Dify on AWS from Python: ``import dify_aws``, one ``Deployment``, and it is there.

>>> import dify_aws
>>> settings = dify_aws.Settings(environment="dev")
>>> settings.deployment
'dify/dev'
"""

from dify_aws.aws import Aws
from dify_aws.aws.unexpected_answer import UnexpectedAnswer
from dify_aws.change import Change
from dify_aws.deployment import Deployment
from dify_aws.dify.drafts.comparison import Comparison
from dify_aws.dify.drafts.draft import ReleaseDraft, import_release
from dify_aws.dify.errors import ReleaseError
from dify_aws.dify.release import Release
from dify_aws.engine.applied import Applied
from dify_aws.engine.fact import Fact
from dify_aws.engine.plan import Action, Plan
from dify_aws.engine.progress import Progress
from dify_aws.engine.resource import Actual, Ref, Resource
from dify_aws.engine.stack import Stack
from dify_aws.errors import (
    Ambiguous,
    AwsError,
    ChangeRefused,
    CredentialsError,
    DeletionProtected,
    DifyAwsError,
    FixedAttribute,
    LockHeld,
    LockLost,
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
from dify_aws.events import Event
from dify_aws.foundation import Foundation, FoundationOutputs
from dify_aws.offline import offline
from dify_aws.operations.access.lease import Lease
from dify_aws.operations.check_release import ReleaseCheck, check_release
from dify_aws.operations.credentials.admin_password import AdminPassword
from dify_aws.operations.workflow import github_workflow
from dify_aws.outputs import Outputs
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
from dify_aws.secrets import Secret
from dify_aws.settings import Settings

__all__ = [
    "Action",
    "Actual",
    "AdminPassword",
    "Alarm",
    "Ambiguous",
    "Applied",
    "Aws",
    "AwsError",
    "Bucket",
    "Change",
    "ChangeRefused",
    "Comparison",
    "CredentialsError",
    "DeletionProtected",
    "Deployment",
    "DifyAwsError",
    "ElasticIp",
    "Event",
    "Fact",
    "FixedAttribute",
    "Foundation",
    "FoundationOutputs",
    "Instance",
    "InstanceConnectEndpoint",
    "InstanceProfile",
    "InstanceType",
    "InternetGateway",
    "KeyPair",
    "Lease",
    "LifecycleRule",
    "LockHeld",
    "LockLost",
    "LogGroup",
    "NatGateway",
    "NotAvailable",
    "NotConverged",
    "NotOurs",
    "OidcProvider",
    "OutcomeUnknown",
    "Outputs",
    "PermissionDenied",
    "Permissions",
    "Plan",
    "PlanOutdated",
    "PlanRefused",
    "Problem",
    "Progress",
    "PublicAccessBlock",
    "QuotaExceeded",
    "Ref",
    "Release",
    "ReleaseCheck",
    "ReleaseDraft",
    "ReleaseError",
    "Resource",
    "ResourceError",
    "Role",
    "RouteTable",
    "Rule",
    "RunFailed",
    "ScheduleGroup",
    "Secret",
    "SecurityGroup",
    "Settings",
    "SettingsError",
    "Stack",
    "StackError",
    "StoredSecret",
    "Subnet",
    "Table",
    "Topic",
    "Trail",
    "UnexpectedAnswer",
    "Volume",
    "Vpc",
    "VpcEndpoint",
    "WaitTimedOut",
    "Zone",
    "check_release",
    "github_workflow",
    "import_release",
    "offline",
    "permissions",
]

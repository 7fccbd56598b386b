"""Reference: which exported name is described on which page of the reference."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

PAGES: Final[Mapping[str, tuple[str, str]]] = {
    "Deployment": (
        "One environment of Dify, and what it is made from.",
        "Deployment Settings Secret Lease permissions Permissions github_workflow",
    ),
    "Results": (
        "What the methods return: each can be printed, compared and saved (`to_dict()`, `to_json()`).",
        "Plan save_plan load_plan Action Change Unknown Applied Outputs HostOutput Endpoint Report Outcome Status "
        "OpenAccess Diagnosis Finding CostEstimate "
        "CostRow Saving Use Record LockOwner ProcessIdentity AdminPassword Login Account",
    ),
    "Errors": (
        "Every error is a `DifyAwsError`. [Errors](../docs/errors.md) says what to do about each.",
        "DifyAwsError SettingsError Problem AwsError CredentialsError PermissionDenied QuotaExceeded NotAvailable "
        "OutcomeUnknown WaitTimedOut ResourceError Ambiguous NotOurs NotAdoptable FixedAttribute ChangeRefused "
        "DeletionProtected NotConverged UnexpectedAnswer StackError PlanRefused PlanOutdated AlreadyLocked "
        "LockUnreadable LockLost RunFailed RunInterrupted SecretUnusable DomainElsewhere ReleaseError HostError "
        "Unreachable HostKeyMismatch AuthenticationRefused SessionRefused HostClosed ConnectionLost CommandFailed "
        "CommandTimedOut FactUnreadable ContainerFailed StepRefused StepsWrong StepNotConverged PackageUntrusted "
        "TunnelRefused InstallFailed AccountUnknown",
    ),
    "Foundation": ("What the environments of a team share in one account.", "Foundation FoundationOutputs"),
    "Progress": ("What happens during a run, as it happens.", "Progress Event Listener"),
    "Stacks": (
        "Resources in AWS for stacks of your own.",
        "Stack Resource Ref Actual Fact Alternative Aws Session Alarm Bucket ElasticIp Instance "
        "InstanceConnectEndpoint InstanceProfile InstanceType InternetGateway KeyPair LifecycleRule LogGroup "
        "NatGateway OidcProvider PublicAccessBlock Role RouteTable Rule ScheduleGroup SecurityGroup StoredSecret "
        "Subnet Table Topic Trail Volume Vpc VpcEndpoint Zone Node Nodes Referable RunLock HostInstaller "
        "Listed RetryRule Waiter Topology ResourceAddresses",
    ),
    "Releases": (
        "Releases of Dify as data.",
        "Release Service Need Route Variable ValueType Reader Refusal Job Gate Requirements import_release "
        "ReleaseDraft Comparison check_release ReleaseCheck",
    ),
    "Offline": (
        "An AWS without network and credentials, and what a deployment needs beside AWS.",
        "offline World Connectivity Host HostFact HostFacts Answer CommandResult FirstUse Publishers",
    ),
    "Verbs": (
        "For methods of your own on a subclass of Deployment, with lock, record, command and permissions.",
        "Verb reading_verb changing_verb verbs_of DeploymentContext RecordedRun Lock Grant",
    ),
}
"""By title of the page: what it is about, and the names in their order."""


DESCRIBED: Final[Mapping[str, str]] = {
    "Listener": "`Callable[[Event], None]`: called from several threads, one [`Event`][dify_aws.Event] at a time.",
    "Session": "`boto3.Session`, or what has its methods: the session of an offline world has.",
}
"""Names for types that are not defined in this library."""


def names(title: str) -> list[str]:
    """The names on a page.

    Args:
        title: of the page.
    """
    return PAGES[title][1].split()


def pages() -> Iterator[tuple[str, str]]:
    """The name and the text of the file of each page, and of the list of all."""
    listed = []
    for title, (about, _) in PAGES.items():
        described = "".join(_described(name) for name in names(title))
        yield f"{title.lower()}.md", f"# {title}\n\n{about}\n\n{described}"
        listed.append(f"- [{title}]({title.lower()}.md): {about}")
    yield "index.md", "# Reference\n\nMade from the docstrings of the library.\n\n" + "\n".join(listed) + "\n"


def _described(name: str) -> str:
    if name in DESCRIBED:
        return f"## {name} {{ #dify_aws.{name} }}\n\n{DESCRIBED[name]}\n\n"
    return f"::: dify_aws.{name}\n\n"

"""Foundation: creates what an account needs once for a team. Shows the plan and asks for confirmation.

For a real account: boto3 finds the credentials. The repository is the one whose workflows can deploy.
python examples/foundation.py OWNER/NAME ap-northeast-1
"""

import sys

from rich.console import Console
from rich.prompt import Confirm

import dify_aws

ENVIRONMENTS = ("dev", "staging", "prod")  # of GitHub: only the jobs of an environment can assume its role


def main(console: Console, repository: str, region: str = "ap-northeast-1") -> None:
    progress = dify_aws.Progress(console)
    foundation = dify_aws.Foundation(region, repository, listener=progress, environments=ENVIRONMENTS)

    plan = foundation.plan()
    console.print(plan)
    if plan and not Confirm.ask("Make these changes?", console=console):
        return

    with progress:
        outputs = foundation.apply(plan)
    console.print(str(outputs))
    console.print(
        "In GitHub, under Settings → Environments, add AWS_ROLE_ARN to the variables of each environment:",
        *(f"{environment}: {role}" for environment, role in outputs.github_roles.items()),
        sep="\n",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main(Console(highlight=False), *sys.argv[1:])

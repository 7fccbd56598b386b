"""Deploy: shows the cost and the plan, asks for confirmation, and deploys Dify.

For a real account: boto3 finds the credentials, and the settings are read from a file.
python examples/deploy.py settings.toml
"""

import sys

from rich.console import Console
from rich.prompt import Confirm

import dify_aws


def main(console: Console, file: str = "settings.toml") -> None:
    settings = dify_aws.Settings.from_file(file)
    console.print(dify_aws.Deployment(settings).estimate_cost())

    plan = dify_aws.Deployment(settings).plan()
    console.print(plan)
    if plan and not Confirm.ask("Make these changes?", console=console):
        return

    # Even if there are no changes in AWS, there may be some on the host.
    with dify_aws.Progress(console) as progress:
        outputs = dify_aws.Deployment(settings, listener=progress).deploy(plan)
    console.print(outputs)


if __name__ == "__main__":
    main(Console(highlight=False), *sys.argv[1:])

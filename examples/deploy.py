"""Deploy: the plan is shown, agreed to and carried out, from AWS to a Dify that answers.

For a real account: credentials are found as boto3 finds them, the settings are read from a file.
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
    if plan and not Confirm.ask("Do all this?", console=console):
        return

    # Also when AWS needs nothing: the machine may.
    with dify_aws.Progress(console) as progress:
        outputs = dify_aws.Deployment(settings, listener=progress).deploy(plan)
    console.print(outputs)


if __name__ == "__main__":
    main(Console(highlight=False), *sys.argv[1:])

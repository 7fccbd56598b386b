"""Destroy: shows what will be deleted, asks for the name of the environment, and deletes. Data is kept.

python examples/destroy.py settings.toml
python examples/destroy.py settings.toml --delete-data  # the data, too; this cannot be undone
"""

import sys
from collections.abc import Sequence

from rich.console import Console
from rich.prompt import Prompt

import dify_aws


def main(console: Console, arguments: Sequence[str]) -> None:
    delete_data = "--delete-data" in arguments
    files = [each for each in arguments if not each.startswith("--")]
    settings = dify_aws.Settings.from_file(files[0] if files else "settings.toml")

    with dify_aws.Progress(console) as progress:
        deployment = dify_aws.Deployment(settings, listener=progress)
        plan = deployment.plan_destroy(delete_data=delete_data)
        console.print(plan)
    if not plan:
        return
    if Prompt.ask("Type the name of the environment to continue", console=console) != settings.environment:
        console.print("Nothing was changed.")
        return
    with progress:
        removed = deployment.destroy(delete_data=delete_data)
    console.print(str(removed))


if __name__ == "__main__":
    main(Console(highlight=False), sys.argv[1:])

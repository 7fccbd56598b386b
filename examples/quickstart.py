"""Quickstart: plans, deploys and destroys Dify, without an AWS account.

AWS and the host are simulated in this process (``dify_aws.offline()``): no network, no credentials, no cost. With a
real account, leave out that line and ``session=``; the rest is the same.
"""

from rich.console import Console

import dify_aws


def main(console: Console) -> None:
    settings = dify_aws.Settings(environment="dev", admin_email="you@example.com", alarm_email="you@your-company.com")

    with dify_aws.offline(speed=60) as world, dify_aws.Progress(console) as progress:
        deployment = dify_aws.Deployment(settings, session=world.session, listener=progress)

        console.rule("1. Plan: read only")
        plan = deployment.plan()
        console.print(plan)

        console.rule("2. Deploy: AWS as in the plan, and Dify on the host")
        console.print("Times are those of the offline world: usual for AWS, sixty times faster.", style="dim")
        outputs = deployment.deploy(plan)

        console.rule("3. Deploy again: no changes")
        deployment.deploy()

        console.rule("4. Outputs: where everything is")
        console.print(outputs)

        console.rule("5. Destroy: everything except what holds data")
        removed = deployment.destroy()
        for kept in removed.kept:
            console.print(f"kept: {kept.address} ({kept.id})")

        console.rule("6. Destroy again, with the data")
        deployment.destroy(delete_data=True)
        console.print("Nothing is left." if not deployment.plan_destroy(delete_data=True) else "Something is left!")


if __name__ == "__main__":
    main(Console(highlight=False))

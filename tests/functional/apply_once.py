"""A process of its own that applies or destroys once, and may be killed at any moment: argv is the verb."""

from __future__ import annotations

import sys

from dify_aws import Deployment, Settings


def main(verb: str) -> None:
    deployment = Deployment(Settings(environment="dev", alarm_email="a@example.com"))
    if verb == "apply":
        deployment.apply()
    else:
        deployment.destroy(delete_data=True)


if __name__ == "__main__":
    main(sys.argv[1])

"""Step: one verb of a Deployment as a process of its own, for bench.py to measure: `step.py apply|plan|destroy`."""

import sys

import dify_aws


def main(verb: str) -> None:
    """Do ``verb`` to the environment "bench", against whatever AWS_ENDPOINT_URL says."""
    deployment = dify_aws.Deployment(dify_aws.Settings(environment="bench", alarm_email="alarms@your-company.com"))
    if verb == "apply":
        deployment.apply()
    elif verb == "plan":
        # It is measured after an apply: with something left to do it would be another measurement.
        if plan := deployment.plan():
            sys.exit(f"the plan after an apply is not empty:\n{plan}")
    elif verb == "destroy":
        if kept := deployment.destroy(delete_data=True).kept:
            sys.exit(f"destroy left {', '.join(action.address for action in kept)}")
    else:
        sys.exit(f"{verb} is not a step: apply, plan or destroy")


if __name__ == "__main__":
    main(*sys.argv[1:])

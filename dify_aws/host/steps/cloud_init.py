"""CloudInit: the first boot is over. Until then, users, packages and disks are still being made by somebody else."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from dify_aws.change import Change
from dify_aws.foreign_json import parse_json
from dify_aws.host.errors import StepRefused
from dify_aws.host.fact import Answer, Fact, Facts
from dify_aws.host.host import Host
from dify_aws.printable import printable

WAIT_SECONDS: Final = 900
"""How long a first boot may take."""

# Not `cloud-init status`, which takes Python a third of a second. The file is there when all is over, and /run is
# empty after each boot: https://docs.cloud-init.io/en/latest/explanation/return_codes.html
PROGRESS: Final = """\
if ! command -v cloud-init >/dev/null; then echo absent
elif [ -e /run/cloud-init/disabled ]; then echo disabled
elif [ -e /run/cloud-init/result.json ]; then cat /run/cloud-init/result.json
else echo running
fi
"""

log = logging.getLogger(__name__)

Stage: TypeAlias = Literal["running", "over"]


@dataclass(frozen=True)
class FirstBoot:
    """How far it is, what it could not do, and what it did in spite of something."""

    stage: Stage
    errors: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress(Fact[FirstBoot]):
    """Is cloud-init done?"""

    name = "cloud-init"
    script = PROGRESS

    def read(self, answer: Answer) -> FirstBoot:
        if answer.text in ("absent", "disabled"):
            return FirstBoot("over")
        if answer.text == "running":
            return FirstBoot("running")
        fields = parse_json(answer.text)["v1"]
        recovered = fields.get("recoverable_errors") or {}
        return FirstBoot("over", tuple(fields["errors"]), tuple(one for some in recovered.values() for one in some))


@dataclass(frozen=True, kw_only=True)
class CloudInit:
    """cloud-init is done, if it is there at all. What it recovered from is logged as a warning.

    Args:
        needs: the steps before it; None is all that stand before it in the list.
    """

    needs: Sequence[str] | None = None

    name = "cloud-init"

    def facts(self) -> Sequence[Fact[Any]]:
        return (Progress(),)

    def check(self, facts: Facts) -> Sequence[Change]:
        """Whether it has to be waited for.

        Raises:
            StepRefused: it ended with an error, so the machine is not what its image should have become.
        """
        found = facts[Progress()]
        if found.stage == "running":
            return (Change("first boot", "still going on", "over"),)
        if found.errors:
            listed = "\n".join(f"  {error}" for error in found.errors)
            raise StepRefused(
                facts.where,
                f"cloud-init ended with errors:\n{listed}\n"
                "See /var/log/cloud-init.log and /var/log/cloud-init-output.log there. Mend what it was about, run "
                "`sudo cloud-init clean --logs --reboot`, and run again; or make the machine anew.",
            )
        for warning in found.warnings:
            log.warning("%s: cloud-init recovered from this: %s", facts.where, printable(warning))
        return ()

    def apply(self, host: Host, changes: Sequence[Change]) -> None:
        """Wait for it. What it came to is looked at afterwards: its status differs from version to version."""
        host.run("cloud-init status --wait", timeout=WAIT_SECONDS, again=True)

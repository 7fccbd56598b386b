"""Draws plan.svg and timeline.svg in this folder, from runs in the offline world.

Run it when their content has changed. It takes three minutes, because the timeline runs in real time:

    python docs/pictures/make.py
"""

import io
import re
import time
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import DIMMED_MONOKAI

import dify_aws

HERE = Path(__file__).parent
SETTINGS = dify_aws.Settings(environment="dev", admin_email="you@example.com")

Spans = Mapping[str, tuple[float, float]]
ROW, LEFT, WIDTH, TOP = 17, 190, 860, 62
INK, QUIET, LINE, PAPER = "#1f2937", "#6b7280", "#e5e7eb", "#ffffff"
SHORT, LONG, BROWN = "#94a3b8", "#0f766e", "#b45309"
LONG_SECONDS = 10
COMMAND_SECONDS = 0.05
MACHINE = "host: "

TOGETHER = {
    r"machine$|cloud-init|sysctl|swap|data disk": "disk, swap, kernel",
    r"packages? |repository ": "packages",
    r"image ": "images",
    r"file |directory |secrets$": "files",
    r"service |.* listens$": "services, timers",
}
"""Groups of steps on the host: there are too many for one row each."""


def main() -> None:
    """Write both pictures."""
    (HERE / "timeline.svg").write_text(timeline(first_deploy()))
    with dify_aws.offline() as world:
        outputs = dify_aws.Deployment(SETTINGS, session=world.session).apply()
        # Two changes by hand, and two in the settings: the plan shows all four.
        world.session.client("cloudwatch").delete_alarms(AlarmNames=["dify--dev--disk"])
        world.session.client("ec2").authorize_security_group_ingress(
            GroupId=outputs.security_groups["host"], IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp="0.0.0.0/0"
        )
        changed = SETTINGS.replace(data_volume_gib=80, nat_gateway=False)
        plan = dify_aws.Deployment(changed, session=world.session).plan()
        (HERE / "plan.svg").write_text(terminal(plan, "deployment.plan()"))


def first_deploy() -> Spans:
    """Start and end of the work on each row, in seconds, with the usual waiting times of AWS, on a model machine."""
    spans: dict[str, tuple[float, float]] = {}
    starts: dict[str, float] = {}

    def note(event: dify_aws.Event) -> None:
        if not event.address:
            return
        now, row = time.monotonic(), row_of(event)
        if event.moment == "started":
            starts[event.address] = now
        else:
            first, last = spans.get(row, (now, now))
            spans[row] = (min(first, starts[event.address]), max(last, now))

    with dify_aws.offline(speed=1) as world:
        world.connectivity.before = lambda script: time.sleep(COMMAND_SECONDS)
        dify_aws.Deployment(SETTINGS, world.session, note).deploy()
    first = min(starts.values())
    return {row: (start - first, end - first) for row, (start, end) in spans.items()}


def row_of(event: dify_aws.Event) -> str:
    """The row of a resource, or of a step on the host."""
    if "@" not in event.where:
        return event.address
    return MACHINE + next((row for steps, row in TOGETHER.items() if re.match(steps, event.address)), event.address)


def terminal(shown: object, title: str) -> str:
    """The output of rich as an SVG picture of a terminal.

    Args:
        shown: the object to print.
        title: the title of the window.
    """
    console = Console(record=True, width=96, file=io.StringIO(), force_terminal=True)
    console.print(shown)
    return console.export_svg(title=title, theme=DIMMED_MONOKAI)


def timeline(spans: Spans) -> str:
    """A picture with one bar per row, from the start to the end of its work.

    Args:
        spans: start and end of each row, in seconds.
    """
    rows = sorted(spans.items(), key=lambda row: (row[1], row[0]))
    whole = max(end for _, end in spans.values())
    scale = (WIDTH - LEFT - 70) / whole
    height = TOP + ROW * len(rows) + 16
    title = f"The first deploy(): {whole:.0f} seconds, with the work on the host in brown"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="ui-sans-serif, system-ui, Helvetica, Arial, sans-serif" font-size="11">',
        f"<title>{title}</title>",
        f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="8" fill="{PAPER}" stroke="{LINE}"/>',
        f'<text x="16" y="26" font-size="14" font-weight="600" fill="{INK}">{title}</text>',
    ]
    for second in range(0, int(whole) + 1, 20):
        x = LEFT + second * scale
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 14}" stroke="{LINE}"/>')
        parts.append(f'<text x="{x:.1f}" y="{TOP - 13}" text-anchor="middle" fill="{QUIET}">{second} s</text>')
    for number, (address, (began, ended)) in enumerate(rows):
        y = TOP + ROW * number
        x, width = LEFT + began * scale, max((ended - began) * scale, 2.5)
        colour = LONG if ended - began >= LONG_SECONDS else SHORT
        colour = BROWN if address.startswith(MACHINE) else colour
        parts.append(f'<text x="{LEFT - 10}" y="{y + 10}" text-anchor="end" fill="{INK}">{address}</text>')
        parts.append(f'<rect x="{x:.1f}" y="{y + 1}" width="{width:.1f}" height="{ROW - 6}" rx="2" fill="{colour}"/>')
        label = f"{ended - began:.0f} s" if ended - began >= 1 else ""
        parts.append(f'<text x="{x + width + 5:.1f}" y="{y + 10}" fill="{QUIET}">{label}</text>')
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    main()

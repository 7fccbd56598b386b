"""Origin: what a command is about to work on, and where its settings and credentials come from, in one line."""

from __future__ import annotations

from collections.abc import Mapping

from dify_aws.cli.given import flag_of, settings_file
from dify_aws.settings import PREFIX, Settings

ENDPOINT = "AWS_ENDPOINT_URL"


def origin(
    settings: Settings,
    flags: Mapping[str, str],
    environ: Mapping[str, str],
    file: str | None,
    *,
    profile: str | None,
    offline: bool,
) -> str:
    """The line that every command begins with.

    Args:
        settings: as they were read.
        flags: the settings among the flags.
        environ: the environment variables.
        file: the option ``--settings``.
        profile: the option ``--aws-profile``.
        offline: whether AWS is the offline world.
    """
    used = settings_file(flags, environ, file)
    sources = [used if file or not used else f"{used} (found in this folder)"] if used else []
    sources += sorted(name for name in environ if name.startswith(PREFIX) and name != "DIFY_AWS_LOG")
    sources += [flag_of(f"no_{name}" if text == "no" else name) for name, text in flags.items()]
    if offline:
        credentials = "offline"
    else:
        named = profile or environ.get("AWS_PROFILE")
        credentials = f"AWS profile {named}" if named else "AWS credentials of the default chain"
        if endpoint := environ.get(ENDPOINT):
            credentials += f" at {endpoint}"
    return f"{settings.deployment} in {settings.region}; settings: {', '.join(sources) or 'defaults'}; {credentials}"

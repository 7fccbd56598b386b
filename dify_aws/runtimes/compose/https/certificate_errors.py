"""What to do when the certificate authority says no, by what certbot tells of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# The first that is found counts. The names behind "error:" are those of RFC 8555, section 6.7.
ADVICE: Final[Mapping[str, str]] = MappingProxyType(
    {
        r"error:rateLimited|too many (certificates|failed authorizations|registrations|new orders)": """\
The authority has given, or refused, too many for {domain} of late: https://letsencrypt.org/docs/rate-limits/
It says above when it will again. Run again then; to try earlier only makes it longer.""",
        r"error:dns|DNS problem|NXDOMAIN|no valid A records": """\
DNS does not tell the way to {domain}. Make an A record with the public address of the machine, and no AAAA record;
wait until it is known everywhere, which is its TTL at most; and run again.""",
        r"error:caa": """\
A CAA record of {domain}, or of a domain above it, lets other authorities only. Add one for letsencrypt.org, and run
again.""",
        r"error:connection|Timeout during connect|Connection refused|firewall problem": """\
The authority cannot reach port 80 of {domain}. It asks from many places that it does not name, so web_cidrs has to hold
0.0.0.0/0. Look at the network ACL too, and for an AAAA record: the authority goes there first. Then run again.""",
        r"error:unauthorized|Invalid response from": """\
Somebody answers for {domain}, and it is not this machine: another server, or a proxy before it. Let its A record lead
here directly, remove an AAAA record that does not, and run again.""",
        r"error:(invalidContact|unsupportedContact)|[Cc]ontact email|[Ii]nvalid email": """\
The authority does not take the address in `email`. Give one that can receive mail, and run again.""",
        r"(live|archive) directory exists": """\
certbot finds a certificate of {domain} that it has not made. Move it away (/data/dify/certbot/conf/live/{domain}, and
the same in archive/), and run again.""",
        r"manifest unknown|pull access denied|repository does not exist|manifest for .{0,500} not found": """\
There is no such image of certbot. Look at `images` in the settings, and run again.""",
        r"[Nn]o space left on device": """\
The disk is full (df -h / /data). Make room, or raise data_volume_gib; and run again.""",
        r"[Nn]ame resolution|NameResolutionError|Max retries exceeded|NewConnectionError|i/o timeout": """\
The machine does not reach the authority, or the registry with certbot. Look at its way to the internet and at
https://letsencrypt.status.io/, and run again.""",
    }
)

OTHERWISE: Final = "What certbot says above is all that is known. When it is mended, run again."


def advice(domain: str, output: str) -> str:
    """What a person should do, by what certbot said."""
    found = next((remedy for pattern, remedy in ADVICE.items() if re.search(pattern, output)), OTHERWISE)
    return f"{found.format(domain=domain)}\nDify answers meanwhile as it did before."

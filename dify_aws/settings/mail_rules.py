"""Rules for mail addresses: their form, and whether anybody can be reached by them."""

import re
from typing import Final

from dify_aws.settings.host_names import LABEL
from dify_aws.settings.rules import Broken, text
from dify_aws.settings.shown import brief

# The form that every mail server takes, without comments and quotes: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
_ATOM: Final = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL: Final = re.compile(rf"{_ATOM}(\.{_ATOM})*")
_DOMAIN: Final = re.compile(rf"({LABEL}\.)+(xn--[a-z0-9-]+|[a-z]{{2,63}})", re.ASCII | re.IGNORECASE)
_LOCAL_AT_MOST: Final = 64
_AT_MOST: Final = 254
_FORM: Final = 'Write one like "ops@your-company.com"'

RESERVED: Final = (
    *("example.com", "example.net", "example.org", "example.edu"),
    *("example", "test", "invalid", "localhost", "localdomain", "local", "internal", "home.arpa", "onion", "alt"),
    *("example.jp", "example.co.jp", "example.ne.jp", "example.or.jp", "example.ac.jp", "example.go.jp"),
)
"""Domains in which no mail is delivered: https://www.rfc-editor.org/rfc/rfc6761, https://jprs.jp/faq/use/"""


def email(value: object) -> str:
    """One mail address that a mail server can take."""
    written = text(value).strip()
    # "mailto:" and a name with the address in angle brackets are what people copy.
    if "<" in written or ">" in written or written.lower().startswith("mailto:"):
        raise Broken(("is more than a mail address", f"{_FORM}, without the name before it and without mailto:"))
    if re.search(r"[,;\u3001\uff0c\uff1b]|\S\s+\S", written) or written.count("@") > 1:
        raise Broken(("is more than one mail address", f"{_FORM}; for several people, that of a mailing list"))
    local, at, domain = written.rpartition("@")
    faults = []
    if not at:
        raise Broken(("is not a mail address: it has no @", _FORM))
    if not _LOCAL.fullmatch(local) or len(local) > _LOCAL_AT_MOST:
        faults.append((f"has {brief(local)} before the @, which no mail server takes", _FORM))
    if not _DOMAIN.fullmatch(domain):
        faults.append((f"has {brief(domain)} after the @, which is no domain of the internet", _FORM))
    if len(written) > _AT_MOST:
        faults.append((f"has {len(written)} characters", f"A mail address has at most {_AT_MOST}"))
    if faults:
        raise Broken(*faults)
    return written


def reachable_email(value: object) -> str:
    """One mail address at which somebody can read mail. That somebody does, AWS asks by writing to it."""
    written = email(value)
    domain = written.rpartition("@")[2].lower()
    if reserved := next((one for one in RESERVED if domain == one or domain.endswith(f".{one}")), None):
        wrong = f"is nobody's: no mail is delivered in {reserved}, which is for documentation or tests"
        raise Broken((wrong, "Write an address whose mail somebody reads"))
    return written

"""Destinations: addresses that a proxy for foreign code must refuse, each another way inside, and public ones."""

from __future__ import annotations

from typing import Final

PRIVATE: Final = (
    "0.0.0.0",
    "10.0.1.4",
    "100.64.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "172.17.0.1",
    "172.30.0.2",
    "192.168.0.1",
    "192.88.99.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::a9fe:a9fe",  # 169.254.169.254, "IPv4-compatible"
    "::ffff:0:a9fe:a9fe",  # the same by SIIT (RFC 2765)
    "64:ff9b::a9fe:a9fe",  # by NAT64 (RFC 6052)
    "64:ff9b:1::a9fe:a9fe",  # by a local NAT64 (RFC 8215)
    "2002:a9fe:a9fe::1",  # by 6to4 (RFC 3056)
    "2001:0:a9fe:a9fe::1",  # by Teredo (RFC 4380)
    "2001:db8::1",
    "3fff::1",
    "100::1",
    "4000::1",
    "fc00::1",
    "fd00:ec2::254",  # the instance metadata's own
    "fe80::1",
    "fec0::1",
    "ff02::1",
)

PUBLIC: Final = ("8.8.8.8", "1.1.1.1", "104.16.0.1", "52.94.236.248", "2606:4700::1111", "2a00:1450::1", "2400:cb00::1")

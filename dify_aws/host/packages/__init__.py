"""Debian packages and the keys that sign them."""

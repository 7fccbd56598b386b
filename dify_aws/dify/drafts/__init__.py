"""Drafts: the record of a newer release, drafted from a checkout and the newest known record, and a report of it."""

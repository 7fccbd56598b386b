"""Upstream: the files of a checkout of Dify, read for what a record of a release is made of."""

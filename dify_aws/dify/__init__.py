"""Dify: what it is made of, release by release, as data. It knows no runtime, no AWS and no Settings."""

"""Topologies: settings in, a stack out. They never ask AWS anything."""

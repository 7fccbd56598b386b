"""The topology of one Dify on one instance, with its databases in containers."""

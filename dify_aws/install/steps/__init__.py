"""The steps: what can be wished for about the machine, a noun a file."""

"""The verbs of a deployment, one a file: a function, and what its command is called and takes."""

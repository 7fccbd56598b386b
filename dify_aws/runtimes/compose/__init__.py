"""Docker Compose on one machine: the files, and the stages that install them."""

"""EC2: instances, their disks and keys."""

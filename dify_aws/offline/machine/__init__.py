"""The machine of the offline world: an EC2 instance as data, behind the Host protocol of the installer."""

"""Amazon VPC: networks and what is attached to them."""

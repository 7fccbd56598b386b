"""IAM policies: who may do what, as documents."""

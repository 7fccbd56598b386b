"""The run lock of a deployment, in DynamoDB."""

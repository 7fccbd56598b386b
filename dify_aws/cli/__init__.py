"""The command line: a thin face over Deployment. `python -m dify_aws` and `dify-aws` are the same."""

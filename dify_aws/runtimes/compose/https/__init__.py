"""The domain of Dify, and what a certificate authority answers about it."""

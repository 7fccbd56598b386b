"""Block devices and what is mounted from them."""

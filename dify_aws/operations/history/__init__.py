"""The records of what runs did."""

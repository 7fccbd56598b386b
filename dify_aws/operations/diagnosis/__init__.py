"""Finds known faults and says what to do."""

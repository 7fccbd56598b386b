"""Steps that any host may need, one file each."""

"""The checks of a diagnosis, one noun a file. Each looks and changes nothing."""

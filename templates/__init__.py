"""The templates that ship with the library, as a package so that importlib.resources finds them in the wheel."""

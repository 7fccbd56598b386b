"""The engine: how a wish becomes true. It knows no resource and no service of AWS."""

"""What AWS asks for what we use: a dated sheet of list prices that ships with the package."""

from dify_aws.prices.product import Price, Product
from dify_aws.prices.sheet import PriceSheet

__all__ = ["Price", "PriceSheet", "Product"]

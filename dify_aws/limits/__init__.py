"""Limits: sizes, connections and times of the parts of Dify, each as large as the others need it."""

from dify_aws.limits.fitting import ask_less, most_people
from dify_aws.limits.limits import OURS, Limits, Shortfall
from dify_aws.limits.of_settings import by_limit, limits_of
from dify_aws.limits.sizes import SIZES, Sizes

__all__ = ["OURS", "SIZES", "Limits", "Shortfall", "Sizes", "ask_less", "by_limit", "limits_of", "most_people"]

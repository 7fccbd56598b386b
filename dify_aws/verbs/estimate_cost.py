"""estimate_cost: what the settings cost a month."""

from __future__ import annotations

from argparse import ArgumentParser

from dify_aws.aws.price_list import refreshed
from dify_aws.operations.cost.bill import Use
from dify_aws.operations.cost.estimate import CostEstimate
from dify_aws.operations.cost.savings import estimate_settings, products_of
from dify_aws.operations.run.context import DeploymentContext
from dify_aws.operations.run.verb import reading_verb
from dify_aws.prices.sheet import PriceSheet


def _arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--live", action="store_true", help="ask AWS for today's prices")


@reading_verb(
    "US dollars per month, line by line, and the savings of other settings",
    permissions=frozenset({"pricing:GetProducts"}),
    command="cost",
    arguments=_arguments,
)
def estimate_cost(deployment: DeploymentContext, *, live: bool = False, use: Use | None = None) -> CostEstimate:
    """What the settings cost a month, line by line, and what each of them would save.

    Args:
        live: ask AWS for today's prices; else those of the price sheet in this package count, with its date.
        use: what is stored, sent and logged in a month, where it is another than is assumed.

    Returns:
        The estimate, in US dollars a month.

    Raises:
        AwsError: AWS could not be asked.
    """
    account, use = deployment.account, use or Use()
    sheet = PriceSheet.shipped()
    if live:
        sheet = refreshed(deployment.aws, sheet, products_of(deployment.settings, account, use))
    return estimate_settings(deployment.settings, account, sheet, use)

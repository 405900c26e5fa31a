"""Why a plan is as it is: what every insertion costs and saves, and where escapes come from."""

from yieldopt.explanation.whole import (
    Explanation,
    ProductExplanation,
    explain,
    explain_template,
)

__all__ = ["Explanation", "ProductExplanation", "explain", "explain_template"]

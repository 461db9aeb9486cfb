"""Ids in one text, parted by a space."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

#: PostgreSQL takes at most 100 arguments in one call
_MOST = 90


def listed(condition: ir.BooleanValue, word: str) -> ir.StringValue:
    """The word where the condition is true, else NULL."""
    return condition.ifelse(ibis.literal(word), ibis.null("string"))


def joined(texts: Sequence[ir.StringValue]) -> ir.StringValue:
    """Those that are not NULL, in their order; NULL when there are none."""
    if not texts:
        return ibis.null("string")
    while len(texts) > 1:
        texts = [_joined(texts[at : at + _MOST]) for at in range(0, len(texts), _MOST)]
    return texts[0]


def _joined(texts: Sequence[ir.StringValue]) -> ir.StringValue:
    return ibis.literal(" ").join(list(texts)).nullif("") if len(texts) > 1 else texts[0]

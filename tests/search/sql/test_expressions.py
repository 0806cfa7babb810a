"""SQL conditions and their combination."""

from analysis.search.sql.expressions import FALSE, TRUE, Sql, all_of, negated


def test_inline_text_is_combined_like_text():
    part = Sql("subquery", (1,), inline_text="column")
    combined = all_of([negated(part), TRUE])
    assert combined == Sql("(NOT (subquery)) AND (true)", (1,), "(NOT (column)) AND (true)")
    assert combined.inline.text == "(NOT (column)) AND (true)"
    assert (all_of([]), FALSE.inline.text) == (TRUE, "false")

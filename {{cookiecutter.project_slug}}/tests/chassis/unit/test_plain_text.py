"""Names and the like that Markdown must leave alone."""

import pytest
from chassis.ui.plain_text import plain


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Order desk 2", "Order desk 2"),
        ("주문 관리", "주문 관리"),
        ("$1 & $2", r"\$1 \& \$2"),
        (":red[a] :material/home:", r"\:red\[a\] \:material\/home\:"),
        ("*a* _b_ `c` ~d~", r"\*a\* \_b\_ \`c\` \~d\~"),
        ("[a](b) <c> \\ #1", r"\[a\]\(b\) \<c\> \\ \#1"),
        ("www, http: @home", r"www\, http\: \@home"),
        ("https://www.a.b c@d.e", r"https:small[]\:\/\/www:small[]\.a\.b c:small[]\@d\.e"),
    ],
)
def test_marks_are_escaped(text: str, escaped: str) -> None:
    assert plain(text) == escaped

"""The published life of an order is the one in the code."""

from tools.order_states import PAGE, page


def test_the_page_is_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page()


def test_it_names_every_edge_that_leads_somewhere_else() -> None:
    assert "| `pending_replace` | canceled | `canceled` |" in page()
    assert "| `canceled` | partially filled | `canceled` |" in page()

"""Tables: sorted, filtered, fitted to a width."""

from __future__ import annotations

from typing import Any

import pytest

from pyredmem.metrics.reading import Reading
from pyredmem.monitor.top import big_keys, clients, slow_log
from pyredmem.monitor.top.commands import command_table
from pyredmem.monitor.top.rates import Rates
from pyredmem.monitor.top.table import Column, Order, Table
from pyredmem.monitor.top.texts import size
from pyredmem.monitor.top.trends import Trends, sparkline

TABLE = Table(
    "Things",
    (
        Column("name", "", 10, is_left=True, takes_rest=True),
        Column("size", "", 8, size),
        Column("place", "", 10, is_left=True, rank=1),
        Column("trend", "", 6, takes_rest=True, rank=2, draw=sparkline),
    ),
    Order("size"),
    [("b", 2048, "Here", (1, 2)), ("a", None, "there", ()), ("c", 10, "here", (2, 1))],
)


def names(rows: list[tuple[Any, ...]]) -> list[str]:
    return [row[0] for row in rows]


def test_rows_are_sorted_and_what_is_not_there_comes_last() -> None:
    assert names(TABLE.arranged(Order("size"))) == ["b", "c", "a"]
    assert names(TABLE.arranged(Order("size", is_falling=False))) == ["c", "b", "a"]
    assert names(TABLE.arranged(Order("name", is_falling=False))) == ["a", "b", "c"]


def test_rows_are_filtered_by_what_is_shown_of_them() -> None:
    assert names(TABLE.arranged(TABLE.order, "HERE")) == ["b", "c", "a"]
    assert names(TABLE.arranged(TABLE.order, "2.00k")) == ["b"]
    assert names(TABLE.arranged(TABLE.order, "█")) == []


def test_columns_are_left_out_until_the_others_fit() -> None:
    for width, titles in (
        (80, ["name", "size", "place", "trend"]),
        (38, ["name", "size", "place", "trend"]),
        (37, ["name", "size", "place"]),
        (30, ["name", "size"]),
        (5, ["name", "size"]),
    ):
        fitted = TABLE.fitted(width)
        assert [column.title for _, column, _ in fitted] == titles
        assert sum(size for _, _, size in fitted) == max(width, 20)


def test_the_order_goes_through_the_columns_that_can_be_compared() -> None:
    order = TABLE.order
    seen = []
    for _ in range(3):
        order = TABLE.next_order(order, 1)
        seen.append(order)
    assert seen == [Order("place", is_falling=False), Order("name", is_falling=False), Order("size", is_falling=True)]
    assert TABLE.next_order(TABLE.order, -1).title == "name"


def test_a_cell_has_exactly_its_width() -> None:
    left, right, _, drawn = TABLE.columns
    assert left.cell("a name that is long", 11) == "a name th… "
    assert right.cell(2048, 9) == "   2.00K "
    assert drawn.cell((1, 2), 7) == "    ▅█ "


@pytest.mark.parametrize(
    "table",
    [
        command_table(Reading({}), Rates(1.0), Trends()),
        clients.UNKNOWN_CLIENTS,
        Table("", slow_log.COLUMNS, Order("id")),
        Table("", big_keys.COLUMNS, Order("memory")),
    ],
    ids=["commands", "clients", "slow log", "big keys"],
)
@pytest.mark.parametrize("width", [80, 120, 160, 240])
def test_our_tables_fit_from_80_columns_on(table: Table, width: int) -> None:
    assert sum(size for _, _, size in table.fitted(width)) == width
    assert table.order.title in [column.title for column in table.columns]

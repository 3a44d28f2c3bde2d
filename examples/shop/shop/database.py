"""The database, which has the last word: what Redis forgets can be made anew from here.

SQLite answers within microseconds, so its calls are not awaited.
"""

import sqlite3
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

SCHEMA = """
CREATE TABLE IF NOT EXISTS products (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, stock INTEGER NOT NULL CHECK (stock >= 0)
);
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, product_id INTEGER NOT NULL REFERENCES products, customer TEXT NOT NULL, status TEXT NOT NULL
);
"""


class Product(BaseModel):
    """What the shop sells. Its price is in cents."""

    id: int
    name: str
    price: int
    stock: int


class Order(BaseModel):
    """What a customer has paid for."""

    id: UUID
    product_id: int
    customer: str
    status: Literal["paid", "shipped"]


class Database:
    """Products and orders."""

    def __init__(self, path: str = ":memory:") -> None:
        self.connection = sqlite3.connect(path, isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.executescript(SCHEMA)

    def close(self) -> None:
        self.connection.close()

    def add_product(self, product: Product) -> None:
        """Add a product, unless there is one with this id."""
        self.connection.execute(
            "INSERT OR IGNORE INTO products VALUES (:id, :name, :price, :stock)", product.model_dump()
        )

    def product(self, product_id: int) -> Product | None:
        row = self.connection.execute("SELECT * FROM products WHERE id = ?", [product_id]).fetchone()
        return None if row is None else Product(**row)

    def products(self) -> list[Product]:
        return [Product(**row) for row in self.connection.execute("SELECT * FROM products ORDER BY id")]

    def set_price(self, product_id: int, price: int) -> bool:
        """Whether there is such a product."""
        return self._change("UPDATE products SET price = ? WHERE id = ?", price, product_id)

    def order(self, order_id: UUID) -> Order | None:
        row = self.connection.execute("SELECT * FROM orders WHERE id = ?", [str(order_id)]).fetchone()
        return None if row is None else Order(**row)

    def sell(self, order: Order) -> None:
        """Take the product out of stock and write the order: both or nothing.

        Raises sqlite3.IntegrityError if there is none left, or if the order is there already.
        """
        self.connection.execute("BEGIN IMMEDIATE")
        with self.connection:  # commits, or rolls back after an exception
            self._change("UPDATE products SET stock = stock - 1 WHERE id = ?", order.product_id)
            self._change(
                "INSERT INTO orders VALUES (?, ?, ?, ?)", str(order.id), order.product_id, order.customer, order.status
            )

    def ship(self, order_id: UUID) -> bool:
        """Whether the order was paid and not shipped before."""
        return self._change("UPDATE orders SET status = 'shipped' WHERE id = ? AND status = 'paid'", str(order_id))

    def _change(self, statement: str, *values: object) -> bool:
        return self.connection.execute(statement, values).rowcount > 0

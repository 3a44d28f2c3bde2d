"""Serve the shop: ``python -m shop``."""

import os

import uvicorn

from shop.connection import connect
from shop.database import Database, Product
from shop.web import create_app

PRODUCTS = [
    Product(id=1, name="teapot", price=2900, stock=5),
    Product(id=2, name="cup", price=900, stock=100),
    Product(id=3, name="last samovar", price=49900, stock=1),
]


def main() -> None:
    database = Database(os.environ.get("SHOP_DATABASE", "shop.db"))
    for product in PRODUCTS:
        database.add_product(product)
    redis = connect(os.environ.get("SHOP_REDIS", "redis://localhost:6379"), "shop")
    uvicorn.run(create_app(redis, database), port=int(os.environ.get("SHOP_PORT", "8000")))


if __name__ == "__main__":
    main()

"""What the shop says over HTTP."""

import math
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Cookie, Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from fastapi.sse import EventSourceResponse
from pydantic import BaseModel, NonNegativeInt
from redis.asyncio import Redis

from shop.cache import ProductCache
from shop.checkout import Charge, Checkout, NoSuchProductError, OrderIdTakenError, SoldOutError
from shop.connection import UNAVAILABLE
from shop.database import Database, Order, Product
from shop.live import Sale, Sales
from shop.rate_limit import RateLimiter
from shop.sessions import Session, Sessions
from shop.settings import Settings

LIVE_PAGE = Path(__file__).with_name("live.html")


class NewPrice(BaseModel):
    """What can be changed of a product."""

    price: NonNegativeInt


class Purchase(BaseModel):
    """What a customer wants."""

    product_id: int


async def charge_nothing(order_id: UUID, customer: str, cents: int) -> None:
    """Everything is free until somebody writes this."""


def create_app(
    redis: Redis, database: Database, settings: Settings | None = None, charge: Charge = charge_nothing
) -> FastAPI:
    """The whole application, on a client of Redis and a database that belong to the caller."""
    settings = settings or Settings()
    cache = ProductCache(redis, database, settings)
    sessions = Sessions(redis, settings)
    limiter = RateLimiter(redis, "orders", settings.order_limit, settings.order_window)
    app = FastAPI(title="Shop")
    app.include_router(product_routes(cache, database))
    app.include_router(session_routes(sessions))
    app.include_router(order_routes(Checkout(redis, database, cache, settings, charge), database, sessions, limiter))
    app.include_router(live_routes(Sales(redis)))
    for error in UNAVAILABLE:
        app.add_exception_handler(error, _say_unavailable)
    return app


async def _say_unavailable(request: Request, error: Exception) -> Response:
    return JSONResponse({"detail": "please try again"}, 503, {"Retry-After": "1"})


def product_routes(cache: ProductCache, database: Database) -> APIRouter:
    router = APIRouter(prefix="/products")

    @router.get("")
    async def list_products() -> list[Product]:
        return database.products()

    @router.get("/{product_id}")
    async def show_product(product_id: int) -> Product:
        product = await cache.get(product_id)
        if product is None:
            raise HTTPException(404, "no such product")
        return product

    @router.patch("/{product_id}", status_code=204)
    async def change_price(product_id: int, new: NewPrice) -> None:
        if not database.set_price(product_id, new.price):
            raise HTTPException(404, "no such product")
        await cache.forget(product_id)

    return router


def session_routes(sessions: Sessions) -> APIRouter:
    router = APIRouter(prefix="/session")

    @router.post("", status_code=201)
    async def log_in(session: Session, response: Response) -> Session:
        response.set_cookie("session", await sessions.open(session), httponly=True, samesite="lax")
        return session

    @router.get("")
    async def who_am_i(session: Annotated[Session, Depends(visitors(sessions))]) -> Session:
        return session

    @router.delete("", status_code=204)
    async def log_out(session: Annotated[str, Cookie()]) -> None:
        await sessions.close(session)

    return router


def visitors(sessions: Sessions) -> Callable[[str], Awaitable[Session]]:
    """What gives a route the session of its request. It refuses requests that have none."""

    async def visitor(session: Annotated[str, Cookie()] = "") -> Session:
        found = await sessions.find(session)
        if found is None:
            raise HTTPException(401, "please log in")
        return found

    return visitor


def order_routes(checkout: Checkout, database: Database, sessions: Sessions, limiter: RateLimiter) -> APIRouter:
    router = APIRouter(prefix="/orders")
    visitor = visitors(sessions)

    @router.put("/{order_id}")
    async def buy(order_id: UUID, purchase: Purchase, session: Annotated[Session, Depends(visitor)]) -> Order:
        wait = await limiter.wait(session.name)
        if wait:
            seconds = math.ceil(wait / timedelta(seconds=1))
            raise HTTPException(429, "too many orders", {"Retry-After": str(seconds)})
        try:
            return await checkout.buy(order_id, purchase.product_id, session.name)
        except NoSuchProductError:
            raise HTTPException(404, "no such product") from None
        except SoldOutError:
            raise HTTPException(409, "sold out") from None
        except OrderIdTakenError:
            raise HTTPException(409, "this id belongs to another order") from None

    @router.get("/{order_id}")
    async def show_order(order_id: UUID, session: Annotated[Session, Depends(visitor)]) -> Order:
        order = database.order(order_id)
        if order is None or order.customer != session.name:
            raise HTTPException(404, "no such order")
        return order

    return router


def live_routes(sales: Sales) -> APIRouter:
    router = APIRouter()

    @router.get("/")
    async def live_page() -> FileResponse:
        return FileResponse(LIVE_PAGE)

    @router.get("/live", response_class=EventSourceResponse)
    async def live() -> AsyncIterator[Sale]:
        async for sale in sales.listen():
            yield sale

    return router

"""How long things last, and how often they are allowed."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class Settings:
    """What the shop can be tuned with."""

    product_ttl: timedelta = timedelta(minutes=1)
    cache_patience: timedelta = timedelta(milliseconds=100)  # a page that waits longer asks the database
    session_ttl: timedelta = timedelta(minutes=30)
    order_limit: int = 5  # so many orders of a customer...
    order_window: timedelta = timedelta(minutes=1)  # ... within this time
    lock_ttl: timedelta = timedelta(seconds=10)  # the lock of a process that has died is free after that
    lock_patience: timedelta = timedelta(seconds=2)
    worker_patience: timedelta = timedelta(seconds=30)  # an order that a worker keeps for longer goes to another one

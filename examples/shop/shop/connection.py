"""How the shop connects to Redis, and which errors of Redis pass by themselves."""

from redis import exceptions
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff

#: Redis cannot serve now, but will later: it is down, it is loading its data (a ConnectionError of redis-py), it is
#: failing over, it is full, or somebody holds a lock for too long. Any other error is a fault of the shop.
UNAVAILABLE = (
    exceptions.ConnectionError,
    exceptions.TimeoutError,
    exceptions.ReadOnlyError,
    exceptions.ClusterDownError,
    exceptions.OutOfMemoryError,
    exceptions.LockError,
)


def connect(url: str, name: str) -> Redis:
    """A client that Redis knows by this name. When it has lost its connection, it tries twice more.

    So a command may run twice. Whatever the shop sends to Redis must bear that.
    """
    return Redis.from_url(
        url,
        client_name=name,
        decode_responses=True,
        socket_connect_timeout=1,
        socket_timeout=2,
        retry=Retry(ExponentialBackoff(cap=0.1, base=0.01), 2),
    )

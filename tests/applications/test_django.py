"""Django's cache: the backend that Django has, and django-redis."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

django_cache = pytest.importorskip("django.core.cache.backends.redis")
django_conf = pytest.importorskip("django.conf")
django_redis = pytest.importorskip("django_redis.cache")

SECONDS = 10


@pytest.fixture(params=["django", "django-redis"])
def cache(url: str, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Each of the two backends."""
    made = django_cache.RedisCache(url, {}) if request.param == "django" else _django_redis(url)
    yield made
    made.close()


@pytest.fixture
def plugin(url: str) -> Iterator[Any]:
    """The backend django-redis."""
    made = _django_redis(url)
    yield made
    made.close()


def _django_redis(url: str) -> Any:
    if not django_conf.settings.configured:
        django_conf.settings.configure(DJANGO_REDIS_CLOSE_CONNECTION=True)
    return django_redis.RedisCache(url, {"OPTIONS": {}})


def test_values_of_all_kinds_are_kept(cache: Any) -> None:
    values = {"text": "ключ", "number": 7, "none": None, "list": [1, {"a": b"\x00"}], "truth": True}
    assert not cache.set_many(values)  # no key could not be set
    assert cache.get_many(values) == values
    assert cache.get("missing", "default") == "default"
    assert "text" in cache
    assert "missing" not in cache


def test_add_sets_a_key_once(cache: Any) -> None:
    assert cache.add("key", 1) is True
    assert cache.add("key", 2) is False
    assert cache.get("key") == 1


def test_numbers_are_incremented(cache: Any) -> None:
    cache.set("number", 10)
    assert cache.incr("number") == 11
    assert cache.decr("number", 5) == 6
    with pytest.raises(ValueError, match="not found"):
        cache.incr("missing")


def test_a_timeout_of_zero_deletes_and_none_keeps(cache: Any) -> None:
    cache.set("key", 1, timeout=None)
    assert cache.touch("key", 100) is True
    assert cache.touch("missing", 100) is False
    assert cache.get("key") == 1
    cache.set("key", 1, timeout=0)
    assert cache.get("key") is None


def test_keys_are_deleted_and_the_cache_is_cleared(cache: Any) -> None:
    cache.set_many({"a": 1, "b": 2, "c": 3})
    assert cache.delete("a") is True
    cache.delete_many(["a", "b"])
    assert cache.get_many(["a", "b", "c"]) == {"c": 3}
    cache.clear()
    assert cache.get("c") is None


def test_versions_are_separate(cache: Any) -> None:
    cache.set("key", "one", version=1)
    cache.set("key", "two", version=2)
    assert (cache.get("key", version=1), cache.get("key", version=2)) == ("one", "two")
    cache.incr_version("key", version=2)
    assert (cache.get("key", version=2), cache.get("key", version=3)) == (None, "two")


def test_get_or_set_calls_the_function_once(cache: Any) -> None:
    numbers = iter([1, 2])
    assert cache.get_or_set("key", lambda: next(numbers)) == 1
    assert cache.get_or_set("key", lambda: next(numbers)) == 1
    assert next(numbers) == 2


def test_the_plugin_knows_expire_times_and_patterns(plugin: Any) -> None:
    plugin.set_many({f"user:{number}": number for number in range(50)}, timeout=100)
    plugin.set("other", 1, timeout=None)
    assert (plugin.ttl("user:1"), plugin.ttl("other"), plugin.ttl("missing")) == (100, None, 0)
    assert sorted(plugin.iter_keys("user:1*")) == sorted(["user:1", *[f"user:1{digit}" for digit in range(10)]])
    assert plugin.persist("user:1") is True
    assert plugin.ttl("user:1") is None
    assert plugin.delete_pattern("user:*") == 50
    assert plugin.keys("*") == ["other"]


def test_the_plugin_sets_a_key_only_if_it_is_missing(plugin: Any) -> None:
    assert plugin.set("key", 1, nx=True) is True
    assert not plugin.set("key", 2, nx=True)
    assert plugin.get("key") == 1


def test_the_plugin_has_locks(plugin: Any) -> None:
    """One thread at a time may change the number, or updates get lost."""
    plugin.set("number", 0)

    def count() -> None:
        for _ in range(20):
            with plugin.lock("lock", timeout=SECONDS, sleep=0.001):
                plugin.set("number", plugin.get("number") + 1)

    threads = [threading.Thread(target=count) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert plugin.get("number") == 60


def test_sessions_are_kept_in_the_cache(plugin: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = pytest.importorskip("django.contrib.sessions.backends.cache")
    session = sessions.SessionStore()
    monkeypatch.setattr(session, "_cache", plugin)
    session["user"] = 7
    session.set_expiry(100)
    session.save(must_create=True)
    again = sessions.SessionStore(session.session_key)
    monkeypatch.setattr(again, "_cache", plugin)
    assert again["user"] == 7
    session.delete()
    assert not again.exists(session.session_key)

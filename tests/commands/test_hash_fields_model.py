"""Random commands on hashes whose fields expire agree with a plain dictionary of (value, time).

An expired field stays in the hash until something deletes it. Until then most commands do not see it, but a command
that sets a time does: a later time revives the field.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.support.world import World

KEYS = ("k", "l")
TIMES_MS = (5, 50, 1000, 100_000)


class Model:
    """Two hashes in an engine, and the fields that they should have."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        entries = self.random.choice(("3", "8", "128"))
        self.world = World(hash_max_listpack_entries=entries, hash_max_listpack_value="20")
        self.fields = [f"f{number}" for number in range(self.random.choice((4, 12, 40)))]
        self.data: dict[str, dict[str, tuple[str, int]]] = {key: {} for key in KEYS}  # time 0: the field never expires

    def now_ms(self) -> int:
        return self.world.clock.now_us() // 1000

    def lives(self, key: str, field: str) -> bool:
        """Whether a field is there and has not expired."""
        when = self.data[key].get(field, ("", -1))[1]
        return when == 0 or when >= self.now_ms()

    def living(self, key: str) -> dict[str, tuple[str, int]]:
        """The fields that have not expired."""
        return {field: pair for field, pair in self.data[key].items() if self.lives(key, field)}

    def tick(self) -> None:
        """A tick of the timer deletes the expired fields."""
        self.world.engine.tick(self.now_ms())
        self.data = {key: self.living(key) for key in KEYS}

    def step(self) -> None:
        """One random command."""
        key = self.random.choice(KEYS)
        fields = self.random.sample(self.fields, self.random.randint(1, 4))
        actions = (self.set, self.set_with_time, self.expire, self.expire, self.persist, self.delete, self.rename)
        if self.random.random() < 0.2:
            self.world.clock.advance_ms(self.random.choice((1, 3, 40, 500)))
            if self.random.random() < 0.5:
                self.tick()
        self.random.choice(actions)(key, fields)
        self.compare(key)

    def set(self, key: str, fields: list[str]) -> None:
        value = "x" * self.random.choice((1, 5, 5, 30))
        self.world.do("HSET", key, *[word for field in fields for word in (field, value)])
        self.data[key].update(dict.fromkeys(fields, (value, 0)))

    def set_with_time(self, key: str, fields: list[str]) -> None:
        condition = self.random.choice(("", "FNX", "FXX"))
        allowed = self.condition_holds(key, fields, condition)
        time = self.random.choice(TIMES_MS)
        keeps = self.random.random() < 0.3
        words = [*([condition] if condition else []), *(["KEEPTTL"] if keeps else ["PX", time])]
        pairs = [word for field in fields for word in (field, "v")]
        assert self.world.do("HSETEX", key, *words, "FIELDS", len(fields), *pairs) == allowed
        fields_now = self.data[key]
        for field in fields if allowed else ():
            fields_now[field] = ("v", fields_now.get(field, ("", 0))[1] if keeps else self.now_ms() + time)

    def condition_holds(self, key: str, fields: list[str], condition: str) -> bool:
        """Look at the fields one by one, up to the first that decides; those that have expired are deleted."""
        for field in fields if condition else ():
            is_there = self.lives(key, field)
            if not is_there:
                self.data[key].pop(field, None)
            if is_there != (condition == "FXX"):
                return False
        return True

    def expire(self, key: str, fields: list[str]) -> None:
        there = self.data[key]
        when = self.now_ms() + self.random.choice((0, *TIMES_MS))
        condition = self.random.choice(("", "NX", "XX", "GT", "LT"))
        expected = []
        for field in fields:
            value, current = there.get(field, ("", 0))
            if field not in there:
                expected.append(-2)
            elif (
                (condition == "NX" and current)
                or (condition in ("XX", "GT") and not current)
                or (condition == "GT" and when <= current)
                or (condition == "LT" and current and when >= current)
            ):
                expected.append(0)
            elif when == self.now_ms():
                expected.append(2)
                del there[field]
            else:
                expected.append(1)
                there[field] = (value, when)
        words = [condition] if condition else []
        assert self.world.do("HPEXPIREAT", key, when, *words, "FIELDS", len(fields), *fields) == expected

    def persist(self, key: str, fields: list[str]) -> None:
        living = self.living(key)
        expected = [-2 if field not in living else 1 if living[field][1] else -1 for field in fields]
        assert self.world.do("HPERSIST", key, "FIELDS", len(fields), *fields) == expected
        self.data[key].update({field: (living[field][0], 0) for field in fields if field in living})

    def delete(self, key: str, fields: list[str]) -> None:
        if self.random.random() < 0.5:
            self.world.do("HDEL", key, *fields)
        else:
            self.world.do("HGETDEL", key, "FIELDS", len(fields), *fields)
        for field in fields:
            self.data[key].pop(field, None)

    def rename(self, key: str, fields: list[str]) -> None:
        if self.world.do("EXISTS", key) == 0:
            return
        other = KEYS[1 - KEYS.index(key)]
        copies = self.random.random() < 0.5
        self.world.do(*(["COPY", key, other, "REPLACE"] if copies else ["RENAME", key, other]))
        self.data[other] = dict(self.data[key])
        if not copies:
            self.data[key] = {}

    def compare(self, key: str) -> None:
        """What the commands show is what should be there; HLEN counts expired fields as well."""
        assert self.world.do("HLEN", key) == len(self.data[key])
        living = self.living(key)
        shown = self.world.do("HGETALL", key)
        values = {name.decode(): value.decode() for name, value in zip(shown[::2], shown[1::2], strict=True)}
        assert values == {field: value for field, (value, _) in living.items()}
        expected = [-2 if field not in living else living[field][1] or -1 for field in self.fields]
        assert self.world.do("HPEXPIRETIME", key, "FIELDS", len(self.fields), *self.fields) == expected


@pytest.mark.parametrize("seed", range(20))
def test_fields_agree_with_those_of_a_dictionary(seed: int) -> None:
    model = Model(seed)
    for number in range(200):
        model.step()
        if number % 20 == 0:
            model.world.check()
    model.world.check()

"""The sorted-set group.

Members with equal scores are the interesting ones, so members and scores come from small pools. A range by member has
no defined result if scores differ (in a skiplist it depends on the heights of Redis's nodes), so such ranges work on a
key of their own, in which all scores are equal.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.differential.grammar import (
    FLOATS,
    INTEGER,
    KEY,
    NOT_FLOATS,
    PATTERN,
    form,
    one_of,
    option,
    options,
    sequence,
    some,
    words,
)
from tests.differential.grammar_sets import as_many
from tests.differential.rules import in_any_order, same_type, scanned

SCORES = [
    *(b"0", b"1", b"2", b"3", b"-1", b"1.5", b"100", b"-0", b"1e3", b"inf", b"-inf", b"+inf", b"4611686018427387904"),
    *(b"9007199254740993", b"0x10", b"1e308", b"-1e308", b"5e-324"),
]
SCORE = words(*SCORES, *SCORES, *FLOATS, *NOT_FLOATS)
MEMBER = words(
    b"a", b"b", b"c", b"d", b"e", b"1", b"-5", b"", b"01", b"x" * 64, b"y" * 65, b"\x00\xff\r\n", b"aa", b"ab"
)
PAIR = sequence(SCORE, MEMBER)
GOOD_PAIR = sequence(words(*SCORES), MEMBER)


def _series(start: int, count: int, step: int = 1) -> list[bytes]:
    return [word for number in range(start, start + count) for word in (b"%d" % (number // step), b"m%d" % number)]


# Enough members that a single command can cross a limit.
MANY = st.sampled_from([_series(0, 128), _series(100, 40, 3), _series(0, 129), _series(0, 200, 7)])
PAIRS = one_of(some(GOOD_PAIR), some(PAIR), MANY)
ADD_OPTIONS = options(["NX"], ["XX"], ["GT"], ["LT"], ["CH"], ["INCR"])
RANK = words(b"0", b"1", b"-1", b"2", b"-3", b"100", b"-100", b"5", b"9223372036854775807", b"x", b"1.0")
BOUND = words(
    *(b"0", b"1", b"(1", b"2", b"(2", b"-inf", b"+inf", b"inf", b"(inf", b"(-inf", b"1.5", b"(0", b"100", b"-1"),
    *(
        b"",
        b"(",
        b"((1",
        b"x",
        b" 1",
        b"1 ",
        b"1x",
        b"nan",
        b"1e400",
        b"-1e400",
        b"0x2",
        b"1\x00z",
        b"(1e0",
        b"infinity",
    ),
)
LEX = words(
    *(b"-", b"+", b"[a", b"(a", b"[c", b"(c", b"[", b"(", b"[m15", b"(m2", b"[zz", b"[\x00", b"(\xff"),
    *(b"", b"a", b"-a", b"+1", b"-\x00"),
)
LIMIT = option("LIMIT", sequence(INTEGER, RANK))
SMALL_LIMIT = option("LIMIT", sequence(words(b"0", b"1", b"2", b"-1", b"50"), words(b"0", b"1", b"3", b"-1", b"100")))
WITHSCORES = options(["WITHSCORES"])
ANY_BOUND = one_of(RANK, BOUND, LEX)
LEX_KEY = words(b"lex", b"lex2")
NAME = words(b"a", b"m0", b"m1", b"m5", b"m50", b"m150", b"b", b"", b"zz")
COUNT = words(b"1", b"2", b"1", b"3", b"0", b"-1", b"x")
WEIGHTS = option("WEIGHTS", some(words(b"1", b"2", b"0.5", b"-1", b"0", b"inf", b"x", b"nan"), 1, 3))
AGGREGATE = option("AGGREGATE", words(b"SUM", b"MIN", b"max", b"avg"))
POP_COUNT = words(b"0", b"1", b"2", b"100", b"1000000", b"-1", b"x", b"")
WHERE = words(b"MIN", b"MAX", b"min", b"x")
SOLE = words(b"sole")  # a key that has at most one member
RANGE_OPTIONS = options(["REV"], ["BYSCORE"], ["BYLEX"], ["WITHSCORES"], LIMIT)

SORTED_SETS = [
    form("ZADD", KEY, PAIRS, weight=10),
    form("ZADD", KEY, ADD_OPTIONS, PAIRS, weight=8),
    form("ZINCRBY", KEY, SCORE, MEMBER, weight=4),
    form("ZREM", KEY, some(MEMBER), weight=3),
    form("ZCARD", KEY),
    form("ZSCORE", KEY, MEMBER),
    form("ZMSCORE", KEY, some(MEMBER)),
    form("ZRANK", KEY, MEMBER),
    form("ZREVRANK", KEY, MEMBER),
    form("ZCOUNT", KEY, BOUND, BOUND, weight=2),
    form("ZRANGE", KEY, RANK, RANK, options(["REV"], ["WITHSCORES"]), weight=3),
    form("ZRANGE", KEY, BOUND, BOUND, words(b"BYSCORE"), options(["REV"], ["WITHSCORES"], SMALL_LIMIT), weight=3),
    form("ZRANGE", KEY, ANY_BOUND, ANY_BOUND, options(["REV"], ["BYSCORE"], ["WITHSCORES"], LIMIT)),
    form("ZREVRANGE", KEY, RANK, RANK, WITHSCORES),
    form("ZRANGEBYSCORE", KEY, BOUND, BOUND, options(["WITHSCORES"], SMALL_LIMIT), weight=2),
    form("ZREVRANGEBYSCORE", KEY, BOUND, BOUND, options(["WITHSCORES"], SMALL_LIMIT), weight=2),
    form("ZRANGESTORE", KEY, KEY, RANK, RANK, options(["REV"]), weight=2),
    form("ZRANGESTORE", KEY, KEY, BOUND, BOUND, words(b"BYSCORE"), options(["REV"], SMALL_LIMIT), weight=2),
    form("ZREMRANGEBYRANK", KEY, RANK, RANK),
    form("ZREMRANGEBYSCORE", KEY, BOUND, BOUND),
    form("ZADD", LEX_KEY, words(*[[b"0", name] for name in (b"a", b"b", b"c", b"", b"zz", b"\xff")]), weight=2),
    form("ZADD", LEX_KEY, st.sampled_from([_series(0, 40, 100), _series(0, 200, 1000)])),
    form("ZLEXCOUNT", LEX_KEY, LEX, LEX, weight=2),
    form("ZRANGEBYLEX", LEX_KEY, LEX, LEX, options(SMALL_LIMIT)),
    form("ZREVRANGEBYLEX", LEX_KEY, LEX, LEX, options(SMALL_LIMIT)),
    form("ZRANGE", LEX_KEY, LEX, LEX, words(b"BYLEX"), RANGE_OPTIONS, weight=2),
    form("ZRANGESTORE", KEY, LEX_KEY, LEX, LEX, words(b"BYLEX"), options(["REV"], SMALL_LIMIT)),
    form("ZREMRANGEBYLEX", LEX_KEY, LEX, LEX),
    form("ZUNION", COUNT, some(KEY), options(WEIGHTS, AGGREGATE, ["WITHSCORES"]), weight=2),
    form("ZINTER", COUNT, some(KEY), options(WEIGHTS, AGGREGATE, ["WITHSCORES"]), weight=2),
    form("ZDIFF", COUNT, some(KEY), options(["WITHSCORES"], WEIGHTS), weight=2),
    form("ZUNION", words(b"2"), KEY, KEY, options(AGGREGATE, ["WITHSCORES"]), weight=2),
    form("ZINTER", words(b"2"), KEY, KEY, options(AGGREGATE, ["WITHSCORES"]), weight=2),
    form("ZUNIONSTORE", KEY, COUNT, some(KEY, 1, 2), options(WEIGHTS, AGGREGATE), weight=2),
    form("ZINTERSTORE", KEY, COUNT, some(KEY, 1, 2), options(WEIGHTS, AGGREGATE), weight=2),
    form("ZDIFFSTORE", KEY, COUNT, some(KEY, 1, 2), weight=2),
    form("ZINTERCARD", COUNT, some(KEY, 1, 2), options(option("LIMIT", INTEGER))),
    form("ZPOPMIN", KEY, weight=2),
    form("ZPOPMAX", KEY, weight=2),
    form("ZPOPMIN", KEY, POP_COUNT),
    form("ZPOPMAX", KEY, POP_COUNT),
    form("ZMPOP", COUNT, some(KEY, 1, 2), WHERE, options(option("COUNT", POP_COUNT)), weight=2),
    form("BZPOPMIN", some(KEY, 1, 2), words(b"0.01", b"-1", b"x")),
    form("BZPOPMAX", some(KEY, 1, 2), words(b"0.01", b"-1", b"x")),
    form("BZMPOP", words(b"0.01"), COUNT, some(KEY, 1, 2), WHERE, options(option("COUNT", POP_COUNT))),
    form("ZADD", SOLE, words(b"1.5"), words(b"only")),
    form("ZRANDMEMBER", SOLE, words(b"1", b"-3", b"10"), WITHSCORES),
    form("ZRANDMEMBER", SOLE),
    form("ZRANDMEMBER", KEY, rule=same_type),
    form("ZRANDMEMBER", KEY, words(b"1000000", b"0", b"x"), rule=in_any_order),
    form("ZRANDMEMBER", KEY, words(b"-5", b"3", b"-1", b"100"), WITHSCORES, rule=as_many),
    form("ZRANDMEMBER", KEY, words(b"9223372036854775807", b"-9223372036854775808", b"x"), words(b"WITHSCORES", b"x")),
    form("ZADD", words(b"plain"), some(sequence(words(b"0", b"1", b"-7", b"2.5", b"inf"), MEMBER)), weight=2),
    form("ZSCAN", words(b"plain"), words(b"0"), words([b"COUNT", b"1000000"]), rule=scanned, weight=2),
    form("ZSCAN", words(b"plain"), words(b"0"), words([b"COUNT", b"1000000"]), option("MATCH", PATTERN), rule=scanned),
    form("ZSCAN", KEY, words(b"x", b"-", b""), options(["MATCH", "*"], ["COUNT", "0"], ["TYPE", "zset"]), rule=as_many),
    form("ZSCAN", KEY, words(b"0"), options(["COUNT", "0"], ["TYPE", "zset"], ["MATCH"], ["COUNT", "x"]), rule=as_many),
]

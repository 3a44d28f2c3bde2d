"""Random ACL rules, for comparison with a real server: nearly all of them are valid, and they often meet again."""

from __future__ import annotations

import hashlib

from hypothesis import strategies as st

from pyredmem.acl.catalogue import CATEGORIES

_PATTERNS = [b"*", b"a", b"b*", b"k?", b"[ab]*", b"", b"{t}*", b"*c", b"x*y*"]
_KEY_MARKS = [b"~", b"%R~", b"%W~", b"%RW~", b"%wr~", b"%r~"]
_COMMANDS = [
    *(b"get", b"set", b"mget", b"mset", b"del", b"copy", b"sort", b"sort_ro", b"select", b"ping", b"auth", b"exec"),
    *(b"config", b"config|get", b"CONFIG|Set", b"object", b"object|encoding", b"object|freq", b"acl", b"acl|whoami"),
    *(b"xgroup", b"xgroup|create", b"zunionstore", b"bitfield", b"GetEx", b"client", b"client|kill", b"memory|usage"),
    *(b"lmpop", b"xread", b"flushall", b"command|info", b"bgsave", b"cluster|info"),
]
_FIRST_ARGUMENTS = [b"select|0", b"select|1", b"SELECT|ABC", b"get|a", b"set|b", b"mget|a", b"flushall|async", b"get|"]
_BAD_NAMES = [b"nosuch", b"", b"config|nosuch", b"config|get|x", b"get|a|b", b"|a", b"@nosuch", b"@", b"@all", b"@READ"]
_PASSWORDS = [b"p", b"q", b"", b"secret"]
_HASHES = [hashlib.sha256(password).hexdigest().encode() for password in _PASSWORDS]
_BAD_HASHES = [b"", b"abc", b"A" * 64, b"0" * 65, b"g" * 64]
_PLAIN_RULES = [
    *(b"allkeys", b"resetkeys", b"allchannels", b"resetchannels", b"allcommands", b"nocommands"),
    *(b"ALLKEYS", b"NoCommands", b"+@all", b"-@all", b"~*", b"&*", b"%RW~*", b"%R~*", b"%W~*"),
]
_USER_RULES = [
    *(b"on", b"off", b"nopass", b"resetpass", b"reset", b"clearselectors", b"sanitize-payload"),
    *(b"skip-sanitize-payload", b"ON", b"Reset", b""),
]
_NOISE = [
    *(b"bad", b")", b"()", b"%", b"%R", b"%~a", b"%RR~a", b"%X~a", b"~a b", b"&a b", b"+", b"-", b"~", b"&", b"~\x00"),
]

_commands = st.sampled_from([*_COMMANDS, *[b"@" + name.encode() for name in CATEGORIES]])
_selector_rule = st.one_of(
    st.sampled_from(_PLAIN_RULES),
    st.builds(bytes.__add__, st.sampled_from([b"+", b"-"]), _commands),
    st.builds(bytes.__add__, st.sampled_from([b"+", b"-"]), st.sampled_from(_COMMANDS)),
    st.builds(
        bytes.__add__, st.sampled_from([b"~", b"%R~", b"%W~", b"%RW~", b"%wr~", b"%r~"]), st.sampled_from(_PATTERNS)
    ),
    st.builds(bytes.__add__, st.just(b"&"), st.sampled_from(_PATTERNS)),
    st.builds(bytes.__add__, st.just(b"+"), st.sampled_from(_FIRST_ARGUMENTS)),
)
_bad_rule = st.one_of(
    st.sampled_from(_NOISE),
    st.builds(bytes.__add__, st.sampled_from([b"+", b"-"]), st.sampled_from([*_BAD_NAMES, *_FIRST_ARGUMENTS])),
    st.builds(bytes.__add__, st.sampled_from([b"#", b"!"]), st.sampled_from(_BAD_HASHES)),
)
_selector = st.builds(
    lambda rules, gap: b"(" + gap + (b" " + gap).join(rules) + gap + b")",
    st.lists(_selector_rule, max_size=4),
    st.sampled_from([b"", b" "]),
)
_user_rule = st.one_of(
    st.sampled_from(_USER_RULES),
    st.builds(bytes.__add__, st.sampled_from([b">", b"<"]), st.sampled_from(_PASSWORDS)),
    st.builds(bytes.__add__, st.sampled_from([b"#", b"!"]), st.sampled_from(_HASHES)),
)

#: Rules that are valid, except that a pattern after ``~*`` or an unknown password is refused.
rules = st.lists(st.one_of(_selector_rule, _selector_rule, _selector_rule, _selector, _user_rule), max_size=10)
#: Rules of which the last is often refused.
doubtful_rules = st.builds(lambda good, bad: [*good, bad], st.lists(_selector_rule, max_size=4), _bad_rule)

"""Scripts of several clients about access control. A line is `name: WORD WORD ...`; each name is a connection.

A `...` at the end of a line means that no reply is awaited, `name: ?` that one has arrived. The second group needs a
server that checks a blocked command again, which 7.0 does not.
"""

from __future__ import annotations

SCRIPTS = {
    "errors of the commands": """
        m: ACL
        m: ACL NOSUCH
        m: ACL SETUSER
        m: ACL SETUSER a\\0b
        m: ACL GETUSER nobody
        m: ACL DELUSER
        m: ACL DELUSER nobody
        m: ACL DELUSER default
        m: ACL SETUSER u
        m: ACL DELUSER u default v
        m: ACL USERS
        m: ACL CAT nosuch
        m: ACL CAT read write
        m: ACL GENPASS 0
        m: ACL GENPASS 4097
        m: ACL GENPASS -1
        m: ACL GENPASS x
        m: ACL GENPASS 1 2
        m: ACL LOG x
        m: ACL LOG -1
        m: ACL LOG 1 2
        m: ACL LOG RESET x
        m: ACL LOAD
        m: ACL SAVE
        m: ACL WHOAMI x
        m: ACL DRYRUN nobody get k
        m: ACL DRYRUN default nosuch
        m: ACL DRYRUN default config nosuch
        m: ACL DRYRUN default get
        m: ACL DRYRUN default config
        m: ACL DRYRUN default get k
    """,
    "logging in": """
        m: ACL SETUSER u on >p >q +@all ~*
        a: AUTH u x
        a: AUTH u p
        a: ACL WHOAMI
        a: AUTH u q
        a: AUTH nobody p
        a: ACL WHOAMI
        m: ACL SETUSER u <p
        b: AUTH u p
        m: ACL SETUSER u off
        a: ACL WHOAMI
        b: AUTH u q
        m: ACL SETUSER u on nopass
        b: AUTH u anything
        b: ACL WHOAMI
        b: RESET
        b: ACL WHOAMI
        b: AUTH default anything
        b: AUTH p
        b: AUTH a b c
        m: ACL LOG
    """,
    "a password of the default user": """
        m: CONFIG SET requirepass one
        a: PING
        a: AUTH two
        a: AUTH one
        a: PING
        m: ACL SETUSER default >two
        b: AUTH default two
        b: PING
        m: CONFIG GET requirepass
        m: CONFIG SET requirepass three
        c: AUTH two
        c: AUTH one
        c: AUTH three
        m: ACL LIST
        m: CONFIG SET requirepass ""
        m: ACL LIST
        d: PING
    """,
    "the default user is disabled": """
        a: PING
        m: ACL SETUSER u on nopass +@all ~*
        m: ACL SETUSER default off
        a: PING
        b: PING
        b: AUTH default x
        b: AUTH x
        b: AUTH u x
        b: PING
        b: RESET
        b: PING
        a: ACL SETUSER default on
        b: PING
    """,
    "the rules of a client change while it is connected": """
        m: ACL SETUSER u on nopass +@all ~*
        a: AUTH u x
        a: SET k v
        m: ACL SETUSER u -set
        a: SET k v
        a: GET k
        m: ACL SETUSER u resetkeys ~a*
        a: GET k
        a: GET a1
        a: MGET a1 k
        m: ACL SETUSER u reset
        a: GET a1
        a: AUTH u x
        a: PING
        m: ACL SETUSER u +@all allkeys allchannels
        a: SET k w
        m: ACL SETUSER default -get
        m: GET k
        a: ACL SETUSER default +@all
        m: GET k
    """,
    "commands that anybody may use": """
        m: ACL SETUSER u on nopass
        a: AUTH u x
        a: PING
        a: AUTH u y
        a: RESET
        a: PING
        a: AUTH u x
        a: NOSUCH
        a: GET
        a: CONFIG
        a: CONFIG NOSUCH
        a: QUIT
    """,
    "first arguments": """
        m: ACL SETUSER u on nopass +select|1 +select|2 +get|k ~*
        a: AUTH u x
        a: SELECT 1
        a: SELECT 0
        a: SELECT 2
        a: GET k
        a: GET l
        m: ACL SETUSER u -select
        a: SELECT 1
    """,
    "MULTI checks a command when it is queued": """
        m: ACL SETUSER u on nopass ~k* +@all -del
        a: AUTH u x
        a: MULTI
        a: SET k v
        a: DEL k
        a: EXEC
        a: MULTI
        a: GET x
        a: EXEC
        m: ACL LOG
    """,
    "MULTI checks a command again when it runs": """
        m: ACL SETUSER u on nopass ~* +@all
        a: AUTH u x
        a: MULTI
        a: SET k v
        a: GET k
        a: MGET a k
        a: DEL k
        m: ACL SETUSER u -del resetkeys ~k
        a: EXEC
        m: ACL LOG
        m: INFO errorstats
    """,
    "the rules change inside a transaction": """
        m: ACL SETUSER u on nopass ~* +@all
        a: AUTH u x
        a: MULTI
        a: GET k
        a: ACL SETUSER u -get
        a: GET k
        a: SET k v
        a: EXEC
        a: GET k
    """,
    "EXEC itself is denied": """
        m: ACL SETUSER u on nopass ~* +@all -exec
        a: AUTH u x
        a: MULTI
        a: SET k v
        a: EXEC
        a: GET k
        m: ACL LOG
    """,
    "SORT reads other keys only with all keys": """
        m: RPUSH l 1 2
        m: ACL SETUSER u on nopass ~l %R~r* +sort +sort_ro
        a: AUTH u x
        a: SORT l
        a: SORT l BY nosort
        a: SORT l BY w_*
        a: SORT l GET #
        a: SORT l GET w_* NOSUCH
        a: SORT_RO l GET w_*
        a: SORT l STORE l
        a: SORT l STORE r1
        m: ACL SETUSER u %R~*
        a: SORT l BY w_* GET #
        a: SORT l GET v_* STORE r1
        m: ACL SETUSER u resetkeys ~l (+sort ~*)
        a: SORT l BY w_*
        a: SORT_RO l BY w_*
        m: ACL SETUSER u (+sort_ro %W~*) (+sort_ro %R~l*)
        a: SORT_RO l BY w_*
    """,
    "of several selectors the weightiest denial counts": """
        m: ACL SETUSER u on nopass +get ~a* (+mget %R~b* ~c) (+mset ~d*)
        a: AUTH u x
        a: GET b
        a: MGET b1 c b2
        a: MGET b1 x b2 y
        a: MSET d1 1 d2 2
        a: MSET d1 1 c 2
        a: SET a 1
        m: ACL LOG
    """,
    "what a command does with a key matters": """
        m: ACL SETUSER u on nopass +@all %R~r* %W~w*
        a: AUTH u x
        a: GET r
        a: GET w
        a: SET r 1
        a: SET w 1
        a: SET w 1 GET
        a: INCR w
        a: APPEND w 1
        a: STRLEN w
        a: EXISTS r
        a: TYPE w
        a: GETDEL w
        a: COPY r w
        a: COPY w r
        a: RENAME r w
        a: BITFIELD r GET u8 0
        a: BITFIELD w SET u8 0 1
        a: ZUNIONSTORE w 2 r1 r2
        a: ZUNIONSTORE w 2 r1 x2
        a: LMOVE r w LEFT LEFT
        a: XREAD STREAMS r w 0 0
        a: OBJECT ENCODING w
        a: SCAN 0
        a: KEYS *
        m: ACL LOG 20
    """,
    "a deleted user": """
        m: ACL SETUSER u on nopass +@all ~*
        m: ACL SETUSER v on nopass +@all ~*
        a: AUTH u x
        b: AUTH v x
        c: AUTH u x
        m: ACL DELUSER u nobody
        a: PING
        b: PING
        c: PING
        b: ACL DELUSER v
        b: PING
        m: ACL USERS
    """,
    "clients are killed by the name of their user": """
        m: ACL SETUSER u on nopass
        a: AUTH u x
        m: CLIENT KILL USER nobody
        m: CLIENT KILL USER u
        a: PING
        m: CLIENT KILL USER u
        m: CLIENT KILL USER default ID 0
    """,
    "the log counts what is denied again": """
        m: ACL SETUSER u on nopass +get
        a: AUTH u x
        a: SET a 1
        a: SET b 1
        a: GET a
        a: GET b
        a: GET a
        b: AUTH u x
        b: GET a
        b: AUTH nobody x
        b: auth nobody y
        m: HELLO 2 AUTH nobody z
        m: ACL LOG
        m: ACL LOG 1
        m: CONFIG SET acllog-max-len 2
        m: ACL LOG
        b: GET c
        m: ACL LOG
        m: CONFIG SET acllog-max-len 0
        m: ACL LOG
        b: GET d
        m: ACL LOG
        m: CONFIG SET acllog-max-len 128
        m: ACL LOG RESET
        m: ACL LOG
    """,
    "the log compares a denial with ten entries": """
        m: ACL SETUSER u on nopass +get
        a: AUTH u x
        a: GET k1
        a: GET k2
        a: GET k3
        a: GET k4
        a: GET k5
        a: GET k6
        a: GET k7
        a: GET k8
        a: GET k9
        a: GET k10
        a: GET k1
        a: GET k11
        a: GET k2
        m: ACL LOG 20
    """,
    "secrets are not shown": """
        m: CONFIG SET slowlog-log-slower-than 0
        m: SLOWLOG RESET
        m: ACL SETUSER u on >secret
        m: ACL GETUSER u
        m: ACL DELUSER u
        m: ACL DRYRUN default get k
        m: AUTH default secret
        m: CONFIG SET slowlog-log-slower-than -1
        m: SLOWLOG GET 20
    """,
    "acl-pubsub-default": """
        m: CONFIG SET acl-pubsub-default allchannels
        m: ACL SETUSER u
        m: ACL GETUSER u
        m: ACL SETUSER u resetchannels (~a) (resetchannels &b)
        m: ACL GETUSER u
        m: CONFIG SET acl-pubsub-default resetchannels
        m: ACL SETUSER u (~c)
        m: ACL GETUSER u
        m: ACL SETUSER u reset
        m: ACL GETUSER u
    """,
}
#: 7.0 does not check a command again that was blocked, and has fewer commands.
NEW_SCRIPTS = {
    "a blocked client whose rules change": """
        m: ACL SETUSER u on nopass +@all ~*
        a: AUTH u x
        a: BLPOP k 0 ...
        m: ACL SETUSER u -blpop
        m: RPUSH k v
        a: ?
        m: LRANGE k 0 -1
        m: ACL LOG
    """,
    "a blocked client that loses its key": """
        m: ACL SETUSER u on nopass +@all ~*
        a: AUTH u x
        a: BLMOVE k l LEFT LEFT 0 ...
        m: ACL SETUSER u resetkeys %R~l ~k
        m: RPUSH k v
        a: ?
        m: LRANGE k 0 -1
    """,
    "commands of 8.2 that this server lacks": """
        m: ACL SETUSER u +@all -vadd -VSIM
        m: ACL GETUSER u
        m: ACL SETUSER u reset +vsim +Vadd -vsim +vadd|x
        m: ACL LIST
        m: ACL SETUSER u +vnone
        m: ACL SETUSER u +@vectorset
        m: ACL DRYRUN u get k
    """,
}

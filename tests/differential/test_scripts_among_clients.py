"""What a script does to other clients, compared with real servers. The form of a script is described in `stage`.

7.0 refuses some blocking commands in scripts, tracks the keys that a script declares (not those that it reads), and has
other texts for calls that a user may not make; there the judge is 8.2, which does what 7.2 does.
"""

from __future__ import annotations

import pytest

from tests.differential.stage import compare
from tests.support.servers import Server

pytestmark = pytest.mark.needs_redis

SCRIPTS: dict[str, str] = {
    "messages from a script": """
        s: SUBSCRIBE a
        t: PSUBSCRIBE *
        u: SSUBSCRIBE a
        p: EVAL return{redis.call('publish','a','1'),redis.call('spublish','a','2'),redis.call('publish','b','3')} 0
        s: UNSUBSCRIBE
        s: EVAL redis.call('publish','a','4');return(5) 0
        p: EVAL return(redis.call('pubsub','numsub','a','b')) 0
    """,
    "no subscription in a script": """
        p: EVAL return(redis.call('subscribe','a')) 0
        p: EVAL return(redis.pcall('psubscribe','a')) 0
        p: EVAL return(redis.pcall('ssubscribe','a')) 0
        p: EVAL return(redis.pcall('unsubscribe')) 0
        p: PUBSUB CHANNELS
    """,
    "events of what a script changes": """
        c: CONFIG SET notify-keyspace-events KEA
        s: PSUBSCRIBE __key*__:*
        p: EVAL redis.call('set',KEYS[1],'1');redis.call('expire',KEYS[1],100);redis.call('del',KEYS[1]) 1 k
        p: EVAL redis.call('set','k','1');redis.call('lpush','k','x') 0
        p: EVAL redis.call('select','3');redis.call('set','k','1') 0
        p: EVAL return(redis.call('incr','n')) 0 | INCR n
        s: PUNSUBSCRIBE
        c: CONFIG SET notify-keyspace-events A
    """,
    "a blocked client is served when the script ends": """
        b: BLPOP l 0
        p: EVAL redis.call('rpush','l','1');redis.call('rpush','l','2');return(redis.call('llen','l')) 0
        p: LRANGE l 0 -1
        b: BLPOP l 0
        p: EVAL redis.call('rpush','l','3');redis.call('del','l') 0
        p: EVAL redis.call('rpush','l','4') 0
    """,
    "in a transaction": """
        w: WATCH k
        p: MULTI | EVAL return(redis.call('set','k','1')) 0 | INCR k | EVAL return(redis.call('get','k')) 0 | EXEC
        w: MULTI | GET k | EXEC
        p: MULTI | EVAL nosuch() 0 | GET k | EXEC
        p: MULTI | EVALSHA 0123456789012345678901234567890123456789 0 | GET k | EXEC
        p: MULTI | SCRIPT LOAD return(1) | EVALSHA 930269f31393d0be681588b6ab08dccee7d6bb67 0 | EXEC
        p: MULTI | EVAL | EXEC
        p: EVAL return(redis.call('multi')) 0
        p: EVAL return(redis.call('exec')) 0
        p: EVAL return(redis.call('watch','k')) 0
    """,
    "watched by monitors": """
        m: MONITOR
        p: EVAL return(redis.call('set',KEYS[1],ARGV[1])) 1 k v
        p: EVAL return(redis.pcall('get')) 0
        p: EVAL redis.call('select',2);return(redis.call('get','k')) 0
        p: EVALSHA 0123456789012345678901234567890123456789 0
    """,
    "a database that a script selects": """
        p: EVAL redis.call('select',5);redis.call('set','k','5') 0
        p: GET k | SELECT 5 | GET k
        p: MULTI | EVAL redis.call('select',2);redis.call('set','k','2') 0 | GET k | EXEC
    """,
    "without replies": """
        p: CLIENT REPLY SKIP | EVAL return(redis.call('set','k','v')) 0 | GET k
        p: CLIENT REPLY OFF | EVAL return(1) 0 | EVAL nosuch 0 | CLIENT REPLY ON
    """,
    "a subscriber runs scripts": """
        s: SUBSCRIBE a
        s: EVAL return(1) 0
        s: EVALSHA 0123456789012345678901234567890123456789 0
        s: UNSUBSCRIBE
        s: EVAL return(1) 0
    """,
    "paused clients": """
        c: CLIENT PAUSE 100000 WRITE
        r: EVAL_RO return(redis.call('get','k')) 1 k
        w: EVAL return(redis.call('set','k','v')) 1 k
        x: EVAL #!lua\\x20flags=no-writes 0
        c: CLIENT UNPAUSE
        c: GET k
    """,
    "functions": """
        c: FUNCTION FLUSH
        s: SUBSCRIBE a
        b: BLPOP l 0
        p: FUNCTION LOAD {library}
        p: FCALL tell 1 l message
        c: FUNCTION FLUSH
        p: FCALL tell 1 l message
    """,
}
IN_NEWER: dict[str, str] = {
    "blocking commands do not block in a script": """
        p: EVAL return(redis.call('blpop','l',0)) 0
        p: EVAL return(redis.call('brpoplpush','l','m',0)) 0
        p: EVAL return(redis.call('xread','BLOCK',0,'STREAMS','x','$')) 0
        p: EVAL return(redis.call('bzpopmin','z',0)) 0
        p: EVAL return(redis.call('wait',1,0)) 0
    """,
    "keys that a script reads are tracked": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r}
        t: EVAL return(redis.call('get','a')) 2 a b
        t: EVAL_RO return(redis.call('get','c')) 1 d
        p: SET b 1 | SET a 1 | SET d 1 | SET c 1
        t: GET x
        p: EVAL redis.call('set','x',1);redis.call('set','x',2) 1 x
        t: CLIENT TRACKING OFF
    """,
    "a wish to cache is for the whole script": """
        r: SUBSCRIBE __redis__:invalidate
        t: CLIENT TRACKING ON REDIRECT {r} OPTIN
        t: CLIENT CACHING YES | EVAL return{redis.call('get','a'),redis.call('get','b')} 0
        p: SET a 1 | SET b 1
        t: EVAL return{redis.call('get','a'),redis.call('get','b')} 0
        p: SET a 2 | SET b 2
        t: CLIENT CACHING YES | MULTI | GET a | EVAL return(redis.call('get','b')) 0 | EXEC | GET c
        p: SET a 3 | SET b 3 | SET c 3
    """,
}
OF_ACCESS: dict[str, str] = {
    "calls that the user may not make": """
        m: ACL SETUSER u on nopass resetkeys resetchannels ~k* %R~r* &a* +@all -set -config|set -sort
        a: AUTH u x
        a: EVAL return(redis.call('set','k','v')) 1 k
        a: EVAL return(redis.pcall('set','k','v')) 1 k
        a: EVAL return(redis.call('get','other')) 0
        a: EVAL return(redis.call('get','r')) 0
        a: EVAL return(redis.call('incr','r')) 0
        a: EVAL return(redis.call('publish','b','x')) 0
        a: EVAL return(redis.call('publish','a','x')) 0
        a: EVAL return(redis.call('sort','k')) 0
        a: EVAL return(redis.call('incr','k')) 0
        a: EVAL return(redis.call('get','k')) 1 other
        a: EVAL_RO return(redis.call('get','k')) 1 other
        a: MULTI | EVAL return(redis.call('get','other')) 0 | EXEC
        m: ACL LOG RESET
        m: ACL DELUSER u
    """,
    "calls that it could make": """
        m: ACL SETUSER u on nopass resetkeys resetchannels ~k* &a* +@all -set -config|set
        a: AUTH u x
        a: EVAL return{redis.acl_check_cmd('get','k'),redis.acl_check_cmd('get','o')==false} 0
        a: EVAL return{redis.acl_check_cmd('set','k','v')==false,redis.acl_check_cmd('incr','k')} 0
        a: EVAL return{redis.acl_check_cmd('config','get','x'),redis.acl_check_cmd('config','set','x','y')==false} 0
        a: EVAL return{redis.acl_check_cmd('publish','a','x'),redis.acl_check_cmd('publish','b','x')==false} 0
        a: EVAL return{redis.acl_check_cmd('subscribe','a','b')==false,redis.acl_check_cmd('psubscribe','a*')} 0
        a: EVAL return{redis.acl_check_cmd('get'),redis.acl_check_cmd('mget'),redis.acl_check_cmd('config')} 0
        a: EVAL return(redis.acl_check_cmd('nosuch')) 0
        a: EVAL return(redis.acl_check_cmd('config','nosuch')) 0
        a: EVAL return(redis.acl_check_cmd()) 0
        a: EVAL return(redis.acl_check_cmd({})) 0
        m: ACL LOG
        m: ACL DELUSER u
    """,
    "scripts that the user may not run": """
        m: FUNCTION FLUSH
        m: FUNCTION LOAD {library}
        m: ACL SETUSER u on nopass ~* +@all -@scripting +eval
        a: AUTH u x
        a: EVAL return(1) 0
        a: EVALSHA 930269f31393d0be681588b6ab08dccee7d6bb67 0
        a: FCALL tell 1 l message
        a: SCRIPT EXISTS x
        a: FUNCTION LIST
        m: ACL SETUSER u -@all +fcall ~l
        a: FCALL tell 1 l message
        a: FCALL tell 1 other message
        m: ACL SETUSER u +rpush +publish &*
        a: FCALL tell 1 l message
        m: ACL DELUSER u
        m: FUNCTION FLUSH
    """,
}
LIBRARY = (
    "#!lua\\x20name=lib\\nredis.register_function('tell',function(keys,args)"
    "redis.call('rpush',keys[1],args[1]);return(redis.call('publish','a',args[1]))end)"
)


def with_library(script: str) -> str:
    return script.replace("{library}", LIBRARY)


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
def test_other_clients_see_the_same(ours: Server, judge: Server, protocol: int, name: str) -> None:
    compare(judge, ours, protocol, with_library(SCRIPTS[name]))


@pytest.mark.parametrize("name", IN_NEWER)
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
def test_other_clients_see_the_same_as_in_newer_versions(ours: Server, newer: Server, protocol: int, name: str) -> None:
    compare(newer, ours, protocol, IN_NEWER[name])


@pytest.mark.parametrize("name", OF_ACCESS)
@pytest.mark.parametrize("protocol", [2, 3], ids=["resp2", "resp3"])
def test_the_same_calls_are_denied(ours: Server, newer: Server, protocol: int, name: str) -> None:
    compare(newer, ours, protocol, with_library(OF_ACCESS[name]))

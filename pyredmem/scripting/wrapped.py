"""The functions written in Lua that scripts must take for functions of C, and what is done to code that calls them."""

from __future__ import annotations

from typing import Final

from pyredmem.scripting.libraries import tail_calls

#: What of ours a script may call: `return redis.call(...)` must not drop the line of the script from the stack.
WRAPPED: Final = frozenset(
    b"call pcall log setresp sha1hex error_reply status_reply set_repl acl_check_cmd breakpoint debug "
    b"replicate_commands register_function random randomseed next pairs rawget rawset setmetatable getmetatable xpcall "
    b"loadstring load collectgarbage create resume wrap find match gmatch gfind gsub dump insert foreach "
    b"encode decode encode_sparse_array encode_max_depth decode_max_depth encode_number_precision encode_keep_buffer "
    b"encode_invalid_numbers decode_invalid_numbers new pack unpack unpack_one unpack_limit size "
    b"tobit bnot band bor bxor lshift rshift arshift rol ror bswap tohex".split()
)


def call_libraries(compiled: bytes) -> bytes:
    """Compiled code of a script, with ordinary calls in place of its tail calls of these functions."""
    return tail_calls.call_libraries(compiled, WRAPPED)

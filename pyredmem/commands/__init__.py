"""Layer 6: the command handlers. Each module holds one Redis command group, or one subject of a large group."""

from __future__ import annotations

from pyredmem.commands.acl import acl
from pyredmem.commands.bitfields import bitfields
from pyredmem.commands.bitmaps import bitmaps
from pyredmem.commands.blocking_lists import blocking_lists
from pyredmem.commands.client import client
from pyredmem.commands.cluster import cluster
from pyredmem.commands.command import command_group
from pyredmem.commands.commandlog import commandlog
from pyredmem.commands.conditional_strings import conditional_strings
from pyredmem.commands.config import config
from pyredmem.commands.connection import connection, monitoring
from pyredmem.commands.counters import counters
from pyredmem.commands.databases import databases
from pyredmem.commands.debug import debug
from pyredmem.commands.dump import dumping, migrated_keys
from pyredmem.commands.expire import expiry
from pyredmem.commands.functions import functions
from pyredmem.commands.geo import geo
from pyredmem.commands.geo_search import geo_searches
from pyredmem.commands.hash_expiry import hash_expiry
from pyredmem.commands.hash_values import hash_values
from pyredmem.commands.hash_walks import hash_walks
from pyredmem.commands.hashes import hashes
from pyredmem.commands.hyperloglogs import hyperloglogs
from pyredmem.commands.keys import keys
from pyredmem.commands.latency import latency
from pyredmem.commands.list_edits import list_edits
from pyredmem.commands.list_moves import list_moves
from pyredmem.commands.lists import lists
from pyredmem.commands.lolwut import lolwut_group
from pyredmem.commands.memory import memory
from pyredmem.commands.memory_views import memory_views
from pyredmem.commands.migrate import migration
from pyredmem.commands.modules import modules
from pyredmem.commands.object import objects
from pyredmem.commands.persistence import saving
from pyredmem.commands.pubsub import pubsub
from pyredmem.commands.replication import replication
from pyredmem.commands.scan import scanning
from pyredmem.commands.scripting import scripting
from pyredmem.commands.server import server
from pyredmem.commands.set_operations import set_operations
from pyredmem.commands.set_random import set_random
from pyredmem.commands.sets import sets
from pyredmem.commands.slowlog import slowlog
from pyredmem.commands.sort import sorting
from pyredmem.commands.sorted_set_operations import sorted_set_operations
from pyredmem.commands.sorted_set_pops import sorted_set_pops
from pyredmem.commands.sorted_set_ranges import sorted_set_ranges
from pyredmem.commands.sorted_set_walks import sorted_set_walks
from pyredmem.commands.sorted_sets import sorted_sets
from pyredmem.commands.stream_deletions import stream_deletions
from pyredmem.commands.stream_groups import stream_groups
from pyredmem.commands.stream_info import stream_info
from pyredmem.commands.stream_pending import stream_pending
from pyredmem.commands.stream_reads import stream_reads
from pyredmem.commands.streams import streams
from pyredmem.commands.string_ranges import string_ranges
from pyredmem.commands.strings import strings
from pyredmem.commands.tracking import tracking
from pyredmem.commands.transactions import transactions
from pyredmem.commands.waits import waits
from pyredmem.engine.command import Group


def all_groups() -> list[Group]:
    """All groups of this package, for the registry."""
    return [
        acl,
        bitfields,
        bitmaps,
        blocking_lists,
        client,
        cluster,
        command_group,
        commandlog,
        conditional_strings,
        config,
        connection,
        counters,
        databases,
        debug,
        dumping,
        expiry,
        hash_expiry,
        hash_values,
        hash_walks,
        hashes,
        functions,
        geo,
        geo_searches,
        hyperloglogs,
        keys,
        latency,
        list_edits,
        list_moves,
        lists,
        lolwut_group,
        memory,
        memory_views,
        migrated_keys,
        migration,
        modules,
        monitoring,
        objects,
        pubsub,
        replication,
        saving,
        scanning,
        scripting,
        server,
        set_operations,
        set_random,
        sets,
        slowlog,
        sorting,
        sorted_set_operations,
        sorted_set_pops,
        sorted_set_ranges,
        sorted_set_walks,
        sorted_sets,
        stream_deletions,
        stream_groups,
        stream_info,
        stream_pending,
        stream_reads,
        streams,
        string_ranges,
        strings,
        tracking,
        transactions,
        waits,
    ]

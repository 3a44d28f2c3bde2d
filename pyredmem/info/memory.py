"""INFO memory: the ledger, the last sample of the allocator, and the memory that the process really takes."""

from __future__ import annotations

from pyredmem.engine import figures
from pyredmem.info.report import Report


def memory(report: Report) -> None:
    _totals(report)
    _scripts(report)
    _limit(report)
    _fragmentation(report)
    _buffers(report)


def _totals(report: Report) -> None:
    engine = report.engine
    overhead = report.overhead()
    sample = engine.sampler.allocator_sample
    report.size("used_memory", overhead.total)
    report.size("used_memory_rss", sample.process_rss)
    report.size("used_memory_peak", max(overhead.peak, overhead.total))
    report.number("used_memory_peak_time", engine.sampler.peak_s())
    report.text("used_memory_peak_perc", f"{overhead.peak_percent():.2f}%")
    report.number("used_memory_overhead", overhead.overhead)
    report.number("used_memory_startup", overhead.startup)
    report.number("used_memory_dataset", overhead.dataset())
    report.text("used_memory_dataset_perc", f"{overhead.dataset_percent():.2f}%")
    report.number("allocator_allocated", sample.allocated)
    report.number("allocator_active", sample.active)
    report.number("allocator_resident", sample.resident)
    report.number("allocator_muzzy", 0)
    report.size("total_system_memory", engine.host.system_memory_bytes())


def _scripts(report: Report) -> None:
    value = report.engine.figures.value
    overhead = report.overhead()
    evaluation = value(figures.LUA_EVAL_BYTES)
    functions = value(figures.LUA_FUNCTIONS_BYTES)
    report.number("used_memory_lua", evaluation)
    report.number("used_memory_vm_eval", evaluation)
    report.human("used_memory_lua_human", evaluation)
    report.number("used_memory_scripts_eval", overhead.lua_caches)
    report.figure(figures.CACHED_SCRIPTS)
    report.figure(figures.FUNCTIONS)
    report.figure(figures.LIBRARIES)
    report.number("used_memory_vm_functions", functions)
    report.size("used_memory_vm_total", evaluation + functions)
    report.number("used_memory_functions", overhead.functions_caches)
    report.size("used_memory_scripts", overhead.lua_caches + overhead.functions_caches)


def _limit(report: Report) -> None:
    settings = report.engine.settings
    report.size("maxmemory", settings.integer("maxmemory"))
    report.text("maxmemory_policy", settings.text("maxmemory-policy"))


def _fragmentation(report: Report) -> None:
    sample = report.engine.sampler.allocator_sample
    report.decimal("allocator_frag_ratio", sample.fragmentation_ratio())
    report.number("allocator_frag_bytes", sample.fragmentation_bytes())
    report.decimal("allocator_rss_ratio", sample.allocator_rss_ratio())
    report.number("allocator_rss_bytes", sample.allocator_rss_bytes())
    report.decimal("rss_overhead_ratio", sample.rss_overhead_ratio())
    report.number("rss_overhead_bytes", sample.rss_overhead_bytes())
    report.decimal("mem_fragmentation_ratio", sample.total_fragmentation_ratio())
    report.number("mem_fragmentation_bytes", sample.total_fragmentation_bytes())


def _buffers(report: Report) -> None:
    report.figure(figures.NOT_COUNTED_FOR_EVICTION)
    report.number("mem_replication_backlog", 0)
    report.number("mem_total_replication_buffers", 0)
    report.number("mem_replica_full_sync_buffer", 0)
    report.number("mem_replicas_repl_buffer", 0)
    report.number("mem_clients_slaves", report.overhead().replicas)
    report.number("mem_clients_normal", report.overhead().clients)
    report.number("mem_cluster_links", 0)
    report.number("mem_cluster_slot_import", 0)
    report.number("mem_cluster_slot_export", 0)
    report.figure(figures.AOF_BUFFER)
    report.text("mem_allocator", report.engine.allocator.profile.mem_allocator)
    report.number("mem_overhead_db_hashtable_rehashing", 0)
    report.figure(figures.DEFRAG_RUNNING)
    report.figure(figures.LAZYFREE_PENDING)
    report.figure(figures.LAZYFREED)

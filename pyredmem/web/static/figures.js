/* Which figures are drawn over time. `of` takes a point (see series.js) and the choice of the chart, if it has one. */

import { brief, bytes, count, microseconds, percent, perSecond, ratio } from "./format.js";

const metric = (name) => (point) => point.values[name];
const percentile = (name) => (point, command) => point.commands.get(command)?.[name];

export const CHARTS = [
  {
    id: "memory",
    title: "Memory",
    format: bytes,
    base: 1024,
    wide: true,
    explain:
      "memory redis_memory_used_bytes redis_allocator_active_bytes redis_allocator_resident_bytes " +
      "redis_memory_used_rss_bytes redis_memory_max_bytes",
    lines: [
      { label: "used", of: metric("redis_memory_used_bytes") },
      { label: "active", of: metric("redis_allocator_active_bytes") },
      { label: "resident", of: metric("redis_allocator_resident_bytes") },
      { label: "process (RSS)", of: metric("redis_memory_used_rss_bytes") },
      { label: "maxmemory", of: (point) => point.limit, limit: true },
    ],
  },
  {
    id: "fragmentation",
    title: "Fragmentation",
    format: ratio,
    minimum: 1,
    explain: "fragmentation redis_allocator_frag_ratio redis_mem_fragmentation_ratio",
    lines: [
      { label: "of the allocator", of: metric("redis_allocator_frag_ratio") },
      { label: "of the process", of: metric("redis_mem_fragmentation_ratio") },
    ],
  },
  {
    id: "commands",
    title: "Commands per second",
    format: perSecond,
    explain: "commands redis_commands_processed_total",
    lines: [{ label: "commands", of: (point) => point.operations }],
  },
  {
    id: "hit_ratio",
    title: "Hit ratio",
    format: percent,
    maximum: 1,
    explain: "hit_ratio redis_keyspace_hits_total redis_keyspace_misses_total",
    lines: [{ label: "of the reads", of: (point) => point.hitRatio }],
  },
  {
    id: "reclaim",
    title: "Evictions and expiries",
    format: perSecond,
    explain: "reclaim redis_evicted_keys_total redis_expired_keys_total",
    lines: [
      { label: "evicted", of: (point) => point.evicted },
      { label: "expired", of: (point) => point.expired },
    ],
  },
  {
    id: "lazyfree",
    title: "Lazy-free queue",
    format: count,
    least: 4,
    explain: "lazyfree redis_lazyfree_pending_objects pyredmem_lazyfreed_objects_total",
    lines: [{ label: "values that wait", of: metric("redis_lazyfree_pending_objects") }],
  },
  {
    id: "defrag",
    title: "Active defragmentation",
    format: perSecond,
    explain: "defrag redis_defrag_hits redis_defrag_misses redis_defrag_key_hits",
    lines: [
      { label: "blocks moved", of: (point) => point.defragHits },
      { label: "left in place", of: (point) => point.defragMisses },
      { label: "keys", of: (point) => point.defragKeys },
    ],
  },
  {
    id: "latency",
    title: "Latency",
    format: microseconds,
    explain: "latency redis_latency_percentiles_usec",
    choice: { label: "Command", of: (point) => [...point.commands.keys()] },
    lines: [
      { label: "p50", of: percentile("p50") },
      { label: "p99", of: percentile("p99") },
      { label: "p99.9", of: percentile("p999") },
    ],
  },
];

/** The strip on top. A tile with `metric` shows that value of the frame. */
export const TILES = [
  {
    label: "Memory used",
    metric: "redis_memory_used_bytes",
    format: bytes,
    beside: (point) => (point.limit ? `of ${bytes(point.limit)}` : peak(point)),
  },
  { label: "Process (RSS)", metric: "redis_memory_used_rss_bytes", format: bytes, beside: (point) => times(point) },
  { label: "Fragmentation", metric: "redis_allocator_frag_ratio", format: ratio, beside: (point) => wasted(point) },
  {
    label: "Commands",
    name: "operations",
    of: (point) => point.operations,
    format: perSecond,
    beside: total("redis_commands_processed_total"),
  },
  {
    label: "Hit ratio",
    name: "hit_ratio",
    of: (point) => point.hitRatio,
    format: percent,
    beside: total("redis_keyspace_hits_total", "hits"),
  },
  {
    label: "Evicted",
    name: "evicted",
    of: (point) => point.evicted,
    format: perSecond,
    beside: total("redis_evicted_keys_total"),
  },
  {
    label: "Expired",
    name: "expired",
    of: (point) => point.expired,
    format: perSecond,
    beside: total("redis_expired_keys_total"),
  },
  {
    label: "Clients",
    metric: "redis_connected_clients",
    format: count,
    beside: (point) => `${count(point.values.redis_blocked_clients ?? 0)} blocked`,
  },
];

function total(name, what = "in all") {
  return (point) => (typeof point.values[name] === "number" ? `${brief(point.values[name])} ${what}` : "");
}

function peak({ values }) {
  const most = values.redis_memory_used_peak_bytes;
  return typeof most === "number" ? `at most ${bytes(most)} so far` : "";
}

function times({ values }) {
  const found = values.redis_mem_fragmentation_ratio;
  return typeof found === "number" ? `${ratio(found)} times what is used` : "";
}

function wasted({ values }) {
  const held = values.redis_allocator_frag_bytes;
  return typeof held === "number" ? `${bytes(held)} in gaps` : "";
}

/* The figures of the frames over time, and what follows from two frames: rates. */

const MOST_POINTS = 900;
const MOST_COMMANDS = 16;

/** How much a counter grew per second; null if it is missing, or began anew. */
export function rate(before, after, seconds) {
  if (typeof before !== "number" || typeof after !== "number" || !(seconds > 0) || after < before) return null;
  return (after - before) / seconds;
}

/** A frame in the numbers that are drawn. `before` is the frame before it, or null. */
export function pointOf(frame, before) {
  const { values } = frame;
  const seconds = before ? frame.at - before.at : 0;
  const perSecond = (name) => (before ? rate(before.values[name], values[name], seconds) : null);
  const hits = perSecond("redis_keyspace_hits_total");
  const misses = perSecond("redis_keyspace_misses_total");
  const defrag = (name) =>
    before?.defrag && frame.defrag ? rate(before.defrag[name], frame.defrag[name], seconds) : null;
  return {
    at: frame.at,
    values,
    limit: values.redis_memory_max_bytes || null, // 0 is no limit
    operations: perSecond("redis_commands_processed_total"),
    hitRatio: hits === null || misses === null || hits + misses === 0 ? null : hits / (hits + misses),
    evicted: perSecond("redis_evicted_keys_total"),
    expired: perSecond("redis_expired_keys_total"),
    defragHits: defrag("hits"),
    defragMisses: defrag("misses"),
    defragKeys: defrag("key_hits"),
    commands: commandsOf(frame, before, seconds),
  };
}

/** The most called commands by name: calls per second, their mean microseconds, percentiles since the start. */
function commandsOf(frame, before, seconds) {
  const earlier = new Map((before?.commands ?? []).map((one) => [one.name, one]));
  const most = [...(frame.commands ?? [])].sort((one, other) => other.calls - one.calls).slice(0, MOST_COMMANDS);
  return new Map(
    most.map((one) => {
      const then = before ? (earlier.get(one.name) ?? { calls: 0, us: 0 }) : undefined;
      const calls = rate(then?.calls, one.calls, seconds);
      const us = rate(then?.us, one.us, seconds);
      return [
        one.name,
        { calls, mean: calls > 0 && us !== null ? us / calls : null, p50: one.p50, p99: one.p99, p999: one.p999 },
      ];
    }),
  );
}

/** The last points, and the frame from which the next point's rates count. */
export class Series {
  constructor() {
    this.clear();
  }

  clear() {
    this.points = [];
    this.frame = null;
  }

  add(frame) {
    this.points.push(pointOf(frame, this.frame));
    if (this.points.length > MOST_POINTS) this.points.shift();
    this.frame = frame;
  }

  get last() {
    return this.points.at(-1) ?? null;
  }
}

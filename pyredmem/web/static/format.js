/* Figures as people read them. Always in English, whatever the browser speaks: Redis speaks it too. */

const whole = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/** Three significant digits, but never fewer digits than the whole number has. */
function short(value) {
  const size = Math.abs(value);
  if (size >= 99.95 || size === 0) return whole.format(value);
  return value.toFixed(size >= 9.995 ? 1 : 2);
}

/** 1048576 -> "1.00 MiB" */
export function bytes(value) {
  let unit = 0;
  while (Math.abs(value) >= 1023.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  if (unit === 0) return `${whole.format(value)} B`;
  return Math.abs(value) >= 9999.5 ? `${value.toExponential(2)} ${UNITS[unit]}` : `${short(value)} ${UNITS[unit]}`;
}

/** 1234567 -> "1,234,567" */
export const count = (value) => whole.format(value);

/** 1234567 -> "1.23 M": where room is short */
export function brief(value) {
  if (Math.abs(value) < 9999.5) return Number.isInteger(value) ? whole.format(value) : short(value);
  for (const [scale, letter] of [
    [1e3, "k"],
    [1e6, "M"],
    [1e9, "G"],
    [1e12, "T"],
  ]) {
    if (Math.abs(value) < scale * 999.5) return `${short(value / scale)} ${letter}`;
  }
  return value.toExponential(2);
}

export const perSecond = (value) => `${brief(value)}/s`;
export const percent = (value) => `${(value * 100).toFixed(1)}%`;
export const ratio = (value) => (Math.abs(value) < 1e4 ? value.toFixed(2) : brief(value));

/** 0.0000345 -> "34.5 µs" */
export function microseconds(value) {
  if (Math.abs(value) < 999.5) return `${short(value)} µs`;
  return value < 999500 ? `${short(value / 1e3)} ms` : `${short(value / 1e6)} s`;
}

const SPANS = [
  ["d", 86400],
  ["h", 3600],
  ["min", 60],
  ["s", 1],
];

/** 3720 -> "1 h 2 min" */
export function duration(seconds) {
  if (seconds < 60) return `${Number(seconds.toFixed(1))} s`;
  const first = SPANS.findIndex(([, size]) => seconds >= size);
  const [name, size] = SPANS[first];
  const [smallerName, smaller] = SPANS[first + 1];
  const rest = Math.floor((seconds % size) / smaller);
  return `${count(Math.floor(seconds / size))} ${name}${rest ? ` ${rest} ${smallerName}` : ""}`;
}

/** A time in Unix seconds -> "14:03:21" */
export function clock(at) {
  return new Date(at * 1000).toLocaleTimeString("en-GB");
}

/** "1 slab", "1,234 slabs" */
export const counted = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;

export const share = (part, all) => (all > 0 ? part / all : null);

/* The last minutes of the heap: a keyframe now and then, and between them only the differences. */

import { EMPTY, applied, weight } from "./places.js";

const MOST_FRAMES = 600;
const MOST_BYTES = 32 << 20;
const FRAMES_PER_KEYFRAME = 30;

/** Moments in order of time. Each: `at`, `changes`, `arenas`, `state` (of a keyframe, else null). */
export class History {
  constructor() {
    this.clear();
  }

  clear() {
    this.moments = [];
    this.bytes = 0;
    this.sinceKeyframe = 0;
    this.visited = null; // where the last question was, so that the next one begins there
  }

  get length() {
    return this.moments.length;
  }

  /** Keep a moment. `state` is the heap after the changes; `fresh` if they do not follow from the moment before. */
  add(at, changes, state, arenas, fresh) {
    const isKeyframe = fresh || this.length === 0 || this.sinceKeyframe >= FRAMES_PER_KEYFRAME;
    const moment = { at, changes, arenas, state: isKeyframe ? state : null };
    this.sinceKeyframe = isKeyframe ? 1 : this.sinceKeyframe + 1;
    this.moments.push(moment);
    this.bytes += weightOf(moment);
    if (this.length > MOST_FRAMES || this.bytes > MOST_BYTES) this.#forget();
  }

  /** Forget the oldest moments, up to the next keyframe. The last keyframe stays. */
  #forget() {
    const next = this.moments.findIndex((moment, index) => index > 0 && moment.state !== null);
    if (next < 0) return;
    for (const moment of this.moments.splice(0, next)) this.bytes -= weightOf(moment);
    this.visited = null;
  }

  /** The heap at a moment. */
  stateAt(index) {
    let state = EMPTY;
    let from = index;
    while (from > 0 && this.moments[from].state === null && this.visited?.index !== from) from -= 1;
    state = this.visited?.index === from ? this.visited.state : (this.moments[from].state ?? EMPTY);
    for (let next = from + 1; next <= index; next++) state = applied(state, this.moments[next].changes);
    this.visited = { index, state };
    return state;
  }

  /** The index of the last moment not after a time; the first one if all are after it. */
  indexAt(at) {
    let index = this.length - 1;
    while (index > 0 && this.moments[index].at > at) index -= 1;
    return Math.max(index, 0);
  }
}

function weightOf(moment) {
  const arenas = moment.arenas ? moment.arenas.used.length * 8 : 0;
  return weight(moment.changes) + (moment.state ? weight(moment.state) : 0) + arenas + 64;
}

/* What of a heap state is shown, in which order, and in which colour. */

import { EXTENT, FREE, level } from "./palette.js";

/** Indexes of the slabs, freed places between them, and extents of a state, each in order of address. */
export function sorted(state, classes) {
  const cells = new Uint32Array(state.length);
  const extents = [];
  let count = 0;
  let end = 0; // of what was met last: a freed place before it is covered by something that begins earlier
  for (let index = 0; index < state.length; index++) {
    const kind = state.kinds[index];
    const page = state.pages[index];
    if (kind === 0) {
      if (page >= end) cells[count++] = index;
    } else if (kind > classes.length) {
      extents.push(index);
      end = page + state.amounts[index];
    } else {
      cells[count++] = index;
      end = page + classes[kind - 1].pages;
    }
  }
  return { cells: cells.subarray(0, count), extents: Uint32Array.from(extents) };
}

/** The slabs by size class: the order of their indexes, and the number in each class. Freed places have no class. */
export function byClass(state, cells, classes) {
  const counts = new Array(classes.length).fill(0);
  for (const index of cells) if (state.kinds[index] > 0) counts[state.kinds[index] - 1] += 1;
  const next = [];
  let total = 0;
  for (const count of counts) {
    next.push(total);
    total += count;
  }
  const order = new Uint32Array(total);
  for (const index of cells) if (state.kinds[index] > 0) order[next[state.kinds[index] - 1]++] = index;
  return { order, counts };
}

/** The level of each place in an order. */
export function levels(state, order, classes) {
  const regions = [1, ...classes.map((one) => one.regions)];
  const found = new Uint8Array(order.length);
  for (let cell = 0; cell < order.length; cell++) {
    const kind = state.kinds[order[cell]];
    if (kind === 0) found[cell] = FREE;
    else if (kind > classes.length) found[cell] = EXTENT;
    else found[cell] = level(state.amounts[order[cell]] / regions[kind]);
  }
  return found;
}

/** Which cells of an order a frame changed. Both are in order of address, except where cells are sorted by class. */
export function marks(state, order, changes) {
  const changed = new Set(changes.pages);
  return Uint8Array.from(order, (index) => (changed.has(state.pages[index]) ? 1 : 0));
}

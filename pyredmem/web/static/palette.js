/* The colours of cells: from nearly empty (amber) to full (blue). They differ in lightness too, in the same direction,
   so that they can be told apart without seeing colours. */

import { channels, colour } from "./dom.js";

export const FULL = 16;
export const FREE = 17;
export const EXTENT = 18;
const STOPS = 5;

/** The level of a share from 0 to 1. Only what is full has the level FULL, and what holds anything is not level 0. */
export function level(share) {
  if (!(share > 0)) return 0;
  return share >= 1 ? FULL : 1 + Math.floor(share * (FULL - 1));
}

/** The colours by level, in the present theme. */
export function palette() {
  const stops = Array.from({ length: STOPS }, (_, index) => channels(`--fill-${index}`));
  const colours = [];
  for (let step = 0; step <= FULL; step++) {
    const at = (step / FULL) * (STOPS - 1);
    const low = Math.min(Math.floor(at), STOPS - 2);
    const mixed = stops[low].map((from, index) => Math.round(from + (stops[low + 1][index] - from) * (at - low)));
    colours.push(`rgb(${mixed.join(" ")})`);
  }
  colours.push(colour("--cell-free"), colour("--cell-extent"));
  return colours;
}

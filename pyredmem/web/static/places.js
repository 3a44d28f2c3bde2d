/* What lies in the heap, and how a frame changes it. A state is never altered: a frame makes a new one, so that the
   history may keep old ones without copying them.

   A place is a page at which something begins. Its kind is 0 (nothing any more), 1..n (a slab of that size class) or
   n + 1 (a large extent). Its amount is the number of used regions, or the length in pages. Freed places stay in the
   state, so that the map shows a gap where they were and does not move all cells behind it. */

export const PAGE_BYTES = 4096;

/** If more freed places than this are remembered, all of them are forgotten: the map closes up once. */
const MOST_FREED = 65536;

export const EMPTY = freeze([], [], []);

function freeze(pages, kinds, amounts) {
  return {
    pages: Float64Array.from(pages), // page numbers may exceed 32 bits
    kinds: Uint16Array.from(kinds),
    amounts: Float64Array.from(amounts),
    length: pages.length,
  };
}

/** The changes of one frame: its base64 text as arrays like those of a state. Throws if the text is damaged. */
export function decoded(text, extentKind) {
  const letters = atob(text);
  const raw = new Uint8Array(letters.length);
  for (let index = 0; index < letters.length; index++) raw[index] = letters.charCodeAt(index);
  const pages = [];
  const kinds = [];
  const amounts = [];
  let at = 0;
  let page = 0;
  const next = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= raw.length) throw new Error("The changes of the heap end too early.");
      const byte = raw[at++];
      value += (byte & 127) * scale; // no bit shift: it would cut the number to 32 bits
      if (byte < 128) return value;
    }
  };
  while (at < raw.length) {
    page += next();
    const kind = next();
    if (kind > extentKind) throw new Error("The heap has a size class that the server did not announce.");
    pages.push(page);
    kinds.push(kind);
    amounts.push(kind === 0 ? 0 : next());
  }
  return freeze(pages, kinds, amounts);
}

/** The state after some changes. Both are in order of page, so they are merged in one pass. */
export function applied(state, changes) {
  if (changes.length === 0) return state;
  const most = state.length + changes.length;
  const result = {
    pages: new Float64Array(most),
    kinds: new Uint16Array(most),
    amounts: new Float64Array(most),
    length: 0,
  };
  let old = 0;
  let freed = 0;
  const put = (source, index) => {
    const target = result.length++;
    result.pages[target] = source.pages[index];
    result.kinds[target] = source.kinds[index];
    result.amounts[target] = source.amounts[index];
    if (source.kinds[index] === 0) freed += 1;
  };
  for (let index = 0; index < changes.length; index++) {
    while (old < state.length && state.pages[old] < changes.pages[index]) put(state, old++);
    if (old < state.length && state.pages[old] === changes.pages[index]) old += 1;
    put(changes, index);
  }
  while (old < state.length) put(state, old++);
  return freed > MOST_FREED ? withoutFreed(result) : trimmed(result);
}

function trimmed(state) {
  const { length } = state;
  return {
    pages: state.pages.slice(0, length),
    kinds: state.kinds.slice(0, length),
    amounts: state.amounts.slice(0, length),
    length,
  };
}

function withoutFreed(state) {
  const kept = { ...state, length: 0 };
  for (let index = 0; index < state.length; index++) {
    if (state.kinds[index] === 0) continue;
    kept.pages[kept.length] = state.pages[index];
    kept.kinds[kept.length] = state.kinds[index];
    kept.amounts[kept.length++] = state.amounts[index];
  }
  return trimmed(kept);
}

/** The bytes that a state, or the changes of a frame, occupy in the page. */
export const weight = (places) => places.length * 18;

/** The index of the place that begins at a page, or -1. */
export function indexOf(state, page) {
  let low = 0;
  let high = state.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (state.pages[middle] === page) return middle;
    if (state.pages[middle] < page) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** What is alive in a state: slabs and extents, the bytes used in slabs and those of all slabs, pages of extents. */
export function totals(state, classes) {
  const sum = { slabs: 0, extents: 0, usedBytes: 0, slabBytes: 0, extentPages: 0 };
  for (let index = 0; index < state.length; index++) {
    const kind = state.kinds[index];
    if (kind === 0) continue;
    if (kind > classes.length) {
      sum.extents += 1;
      sum.extentPages += state.amounts[index];
    } else {
      sum.slabs += 1;
      sum.usedBytes += state.amounts[index] * classes[kind - 1].size;
      sum.slabBytes += classes[kind - 1].regions * classes[kind - 1].size;
    }
  }
  return sum;
}

/* Where the cells of a map lie. Both kinds have a height and answer the same questions:

   - `visible(top, bottom)`: the first cell, and the one after the last, that touch these heights
   - `each(first, end, tell)`: calls `tell(cell, x, y, width, height)` for the rectangles of cells (one or more each)
   - `at(x, y)`: the cell there, or -1
   - `moved(cell, key)`: the cell where an arrow key leads
   - `labels`: texts beside the cells, each with its height */

const SIZES = [32, 24, 20, 18, 16, 14, 12, 10, 9, 8, 7, 6, 5, 4, 3];
const LABEL_HEIGHT = 15;
const GROUP_GAP = 3;

/** Equal cells in rows, in one group or several, each of which begins a row. */
export class Grid {
  /** `groups`: objects with `count` and `label`. `size`: of the cells before, kept while it still suits. */
  constructor(groups, { width, height, gutter = 0, size = null }) {
    this.width = width;
    this.gutter = gutter;
    this.groups = groups.filter((group) => group.count > 0);
    this.size = this.#chosenSize(height, size);
    this.gap = this.size >= 4 ? 1 : 0;
    this.columns = this.#columns(this.size);
    this.count = 0;
    this.height = 0;
    this.labels = [];
    this.blocks = this.groups.map((group) => this.#block(group));
  }

  #columns(size) {
    return Math.max(1, Math.floor((this.width - this.gutter) / size));
  }

  #heightOf(group, size) {
    const rows = Math.ceil(group.count / this.#columns(size)) * size;
    return group.label ? Math.max(rows, LABEL_HEIGHT) + GROUP_GAP : rows;
  }

  #heightWith(size) {
    return this.groups.reduce((sum, group) => sum + this.#heightOf(group, size), 0);
  }

  /** The largest size with which all fits. A little room is left before cells grow, so that they do not flicker. */
  #chosenSize(height, before) {
    const largest = SIZES.find((size) => this.#heightWith(size) <= height) ?? SIZES.at(-1);
    if (before === null || largest <= before) return largest;
    return SIZES.find((size) => size <= before || this.#heightWith(size) <= height * 0.85) ?? largest;
  }

  #block(group) {
    const block = { first: this.count, count: group.count, y: this.height, end: 0 };
    this.count += group.count;
    this.height += this.#heightOf(group, this.size);
    block.end = this.height;
    if (group.label) this.labels.push({ text: group.label, y: block.y });
    return block;
  }

  visible(top, bottom) {
    let first = this.count;
    let end = 0;
    for (const block of this.blocks) {
      if (block.end <= top || block.y >= bottom) continue;
      const from = Math.max(0, Math.floor((top - block.y) / this.size)) * this.columns;
      const to = Math.ceil((bottom - block.y) / this.size) * this.columns;
      first = Math.min(first, block.first + Math.min(from, block.count));
      end = Math.max(end, block.first + Math.min(to, block.count));
    }
    return [first, end];
  }

  each(first, end, tell) {
    const side = this.size - this.gap;
    for (const block of this.blocks) {
      const from = Math.max(first, block.first);
      const to = Math.min(end, block.first + block.count);
      if (from >= to) continue;
      let column = (from - block.first) % this.columns;
      let y = block.y + Math.floor((from - block.first) / this.columns) * this.size;
      for (let cell = from; cell < to; cell++) {
        tell(cell, this.gutter + column * this.size, y, side, side);
        column += 1;
        if (column === this.columns) {
          column = 0;
          y += this.size;
        }
      }
    }
  }

  at(x, y) {
    const block = this.blocks.find((one) => y >= one.y && y < one.end);
    const column = Math.floor((x - this.gutter) / this.size);
    if (!block || column < 0 || column >= this.columns) return -1;
    const cell = Math.floor((y - block.y) / this.size) * this.columns + column;
    return cell < block.count ? block.first + cell : -1;
  }

  moved(cell, key) {
    const last = this.count - 1;
    if (key === "ArrowLeft") return Math.max(cell - 1, 0);
    if (key === "ArrowRight") return Math.min(cell + 1, last);
    const index = this.blocks.findIndex((block) => cell < block.first + block.count);
    const block = this.blocks[index];
    const inside = cell - block.first;
    const step = key === "ArrowDown" ? this.columns : -this.columns;
    if (inside + step >= 0 && inside + step < block.count) return cell + step;
    const next = this.blocks[index + Math.sign(step)];
    if (!next) return cell;
    const column = inside % this.columns;
    const rows = Math.floor((next.count - 1) / this.columns);
    const wanted = step > 0 ? column : rows * this.columns + column;
    return next.first + Math.min(wanted, next.count - 1);
  }
}

const ROW = 14;
const ROW_GAP = 3;
const NARROWEST = 4;
const WIDEST_PAGE = 6;

/** Bars one after the other, as long as what they stand for; a long one goes on in the next row. */
export class Flow {
  constructor(lengths, { width, height }) {
    this.width = Math.max(width, NARROWEST);
    this.count = lengths.length;
    this.labels = [];
    const total = lengths.reduce((sum, length) => sum + length, 0);
    const room = Math.max(1, Math.floor(height / (ROW + ROW_GAP)) * this.width - lengths.length * (NARROWEST + 1));
    // In steps, so that the bars keep their scale while little changes.
    const scale = 2 ** (Math.floor(2 * Math.log2(Math.min(WIDEST_PAGE, room / Math.max(total, 1)))) / 2);
    this.starts = new Float64Array(this.count + 1);
    for (let index = 0; index < this.count; index++) {
      this.starts[index + 1] = this.starts[index] + Math.max(NARROWEST, Math.round(lengths[index] * scale)) + 1;
    }
    this.height = Math.ceil(this.starts[this.count] / this.width) * (ROW + ROW_GAP);
  }

  /** The last cell that begins at or before a distance from the start. */
  #cellAt(distance) {
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.starts[middle] <= distance) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  visible(top, bottom) {
    if (this.count === 0) return [0, 0];
    const row = (height) => Math.max(0, Math.floor(height / (ROW + ROW_GAP)));
    return [this.#cellAt(row(top) * this.width), this.#cellAt((row(bottom) + 1) * this.width) + 1];
  }

  each(first, end, tell) {
    for (let cell = first; cell < end; cell++) {
      let from = this.starts[cell];
      const to = this.starts[cell + 1] - 1;
      while (from < to) {
        const row = Math.floor(from / this.width);
        const stop = Math.min(to, (row + 1) * this.width);
        tell(cell, from - row * this.width, row * (ROW + ROW_GAP), stop - from, ROW);
        from = stop;
      }
    }
  }

  at(x, y) {
    const distance = Math.floor(y / (ROW + ROW_GAP)) * this.width + x;
    if (this.count === 0 || x < 0 || x >= this.width || y < 0 || distance >= this.starts[this.count]) return -1;
    return this.#cellAt(distance);
  }

  moved(cell, key) {
    if (key === "ArrowLeft") return Math.max(cell - 1, 0);
    if (key === "ArrowRight") return Math.min(cell + 1, this.count - 1);
    const distance = this.starts[cell] + (key === "ArrowDown" ? this.width : -this.width);
    return distance < 0 || distance >= this.starts[this.count] ? cell : this.#cellAt(distance);
  }
}

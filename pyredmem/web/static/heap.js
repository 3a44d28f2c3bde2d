/* The heap map: slabs, large extents, the interpreter's arenas, and the slider that goes back in time. */

import { CanvasMap } from "./canvas_map.js";
import { byClass, levels, marks, sorted } from "./cells.js";
import { byId, element, oncePerPicture, setText } from "./dom.js";
import { Detail } from "./detail.js";
import { bytes, clock, count, counted, duration, percent, share } from "./format.js";
import { Flow, Grid } from "./geometry.js";
import { History } from "./history.js";
import { level } from "./palette.js";
import { EMPTY, PAGE_BYTES, applied, decoded, indexOf, totals } from "./places.js";

const GUTTER = 64;
const LEGEND = [
  ["fill-0", "nearly empty"],
  ["fill-2", "half full"],
  ["fill-4", "full"],
  ["cell-free", "nothing any more"],
  ["cell-extent", "large extent"],
];

export class Heap {
  /** `onMoment(at)`: the slider chose a time, or null: now. */
  constructor(onMoment) {
    this.onMoment = onMoment;
    this.history = new History();
    this.detail = new Detail();
    this.classes = null;
    this.live = EMPTY;
    this.shown = { state: EMPTY, order: new Uint32Array(0), extents: new Uint32Array(0), arenas: null };
    this.chosen = null; // the time that the slider chose; null is now
    this.pickedPage = null;
    this.size = null;
    this.left = 0;
    this.show = oncePerPicture(() => this.#showNow());
    this.map = new CanvasMap(byId("heap-map"), {
      label: "Heap map",
      describe: (cell) => this.#words(this.shown.order[cell]),
      onPick: (cell) => this.#pick(this.shown.order[cell]),
    });
    this.extents = new CanvasMap(byId("extents-map"), {
      label: "Large extents",
      describe: (cell) => this.#words(this.shown.extents[cell]),
      onPick: (cell) => this.#pick(this.shown.extents[cell]),
    });
    this.arenas = new CanvasMap(byId("arenas-map"), {
      label: "Arenas of the interpreter",
      describe: (cell) => this.#arenaWords(cell),
      onPick: (cell) => setText(byId("arena-detail"), this.#arenaWords(cell)),
    });
    this.#listen();
  }

  #listen() {
    byId("heap-legend").append(
      ...LEGEND.map(([name, text]) => element("li", {}, element("span", { class: `swatch ${name}` }), text)),
    );
    byId("heap-order").addEventListener("change", () => {
      this.size = null;
      this.show();
    });
    byId("heap-mark").addEventListener("change", () => this.show());
    byId("heap-time").addEventListener("input", (event) => this.#goTo(Number(event.target.value)));
    byId("heap-live").addEventListener("click", () => this.#goTo(this.history.length - 1));
    new ResizeObserver(() => this.show()).observe(byId("heap-map"));
  }

  /** A connection begins. `missing`: what to say if the server has no heap map. */
  start(hello, sameServer) {
    this.classes = hello.classes;
    this.live = EMPTY;
    if (!sameServer) this.history.clear();
    const missing = this.classes === null;
    byId("heap-body").hidden = missing;
    byId("heap-tools").hidden = missing;
    byId("extents-panel").hidden = missing;
    byId("detail").closest("section").hidden = missing;
    const reason =
      hello.missing?.find((text) => /heap map/i.test(text)) ?? "This server does not tell where its slabs lie.";
    byId("heap-missing").hidden = !missing;
    setText(byId("heap-missing"), missing ? reason : "");
    if (missing) setText(byId("heap-summary"), "not told by this server");
  }

  /** Take over a frame. Throws if its changes are damaged. */
  add(frame) {
    const fresh = frame.heap?.reset === true;
    const told = this.classes !== null && frame.heap !== null && frame.heap !== undefined;
    const changes = told ? decoded(frame.heap.changes, this.classes.length + 1) : EMPTY;
    this.live = applied(fresh ? EMPTY : this.live, changes);
    this.left = told ? frame.heap.left : 0;
    this.history.add(frame.at, changes, this.live, frame.arenas ?? null, fresh);
    this.show();
  }

  /** The slider's place: live if it is the last one. */
  #goTo(index) {
    const isNow = index >= this.history.length - 1;
    this.chosen = isNow ? null : this.history.moments[index].at;
    this.onMoment(this.chosen);
    this.show();
  }

  #index() {
    return this.chosen === null ? this.history.length - 1 : this.history.indexAt(this.chosen);
  }

  #showNow() {
    const index = this.#index();
    if (index < 0) return;
    const moment = this.history.moments[index];
    this.#showTime(index, moment);
    this.#showArenas(moment.arenas);
    if (this.classes === null) return;
    const state = this.chosen === null ? this.live : this.history.stateAt(index);
    const { cells, extents } = sorted(state, this.classes);
    this.#showSlabs(state, cells, moment.changes);
    this.#showExtents(state, extents);
    this.#showTotals(state);
  }

  #showTime(index, moment) {
    const slider = byId("heap-time");
    const last = this.history.length - 1;
    slider.max = String(last);
    slider.value = String(index);
    const newest = this.history.moments[last].at;
    const ago = Math.max(0, newest - moment.at);
    const text =
      this.chosen === null ? `${clock(moment.at)}, now` : `${clock(moment.at)}, ${duration(Math.round(ago))} ago`;
    setText(byId("heap-moment"), text);
    slider.setAttribute("aria-valuetext", text);
    byId("heap-live").disabled = this.chosen === null;
    byId("heap-panel").classList.toggle("past", this.chosen !== null);
  }

  #showSlabs(state, cells, changes) {
    const isByClass = byId("heap-order").querySelector(":checked").value === "class";
    const grouped = isByClass ? byClass(state, cells, this.classes) : null;
    const order = grouped ? grouped.order : cells;
    const groups = grouped
      ? grouped.counts.map((number, kind) => ({ count: number, label: bytes(this.classes[kind].size) }))
      : [{ count: order.length }];
    const geometry = new Grid(groups, {
      width: this.map.width,
      height: this.map.height,
      gutter: isByClass ? GUTTER : 0,
      size: this.size,
    });
    this.size = geometry.size;
    this.shown.state = state;
    this.shown.order = order;
    const marked = byId("heap-mark").checked ? marks(state, order, changes) : null;
    this.map.show(geometry, levels(state, order, this.classes), marked, this.#cellOf(order));
  }

  #showExtents(state, extents) {
    const lengths = Array.from(extents, (index) => state.amounts[index]);
    this.shown.extents = extents;
    const geometry = new Flow(lengths, { width: this.extents.width, height: this.extents.height });
    this.extents.show(geometry, levels(state, extents, this.classes), null, this.#cellOf(extents));
  }

  #showArenas(arenas) {
    const told = arenas !== null;
    byId("arenas-missing").hidden = told || this.history.length === 0;
    byId("arenas-map").hidden = !told;
    this.shown.arenas = arenas;
    if (!told) {
      setText(byId("arenas-summary"), "");
      return;
    }
    const used = arenas.used.reduce((sum, one) => sum + one, 0);
    const full = share(used, arenas.size * arenas.used.length);
    const text = counted(arenas.used.length, "arena");
    setText(byId("arenas-summary"), full === null ? text : `${text}, ${percent(full)} used`);
    const geometry = new Grid([{ count: arenas.used.length }], {
      width: this.arenas.width,
      height: this.arenas.height,
    });
    this.arenas.show(
      geometry,
      Uint8Array.from(arenas.used, (one) => level(one / arenas.size)),
      null,
      -1,
    );
  }

  #showTotals(state) {
    const sum = totals(state, this.classes);
    setText(byId("heap-summary"), `${counted(sum.slabs, "slab")}, ${counted(sum.extents, "extent")}`);
    const full = share(sum.usedBytes, sum.slabBytes);
    const parts = [`${bytes(sum.slabBytes)} in slabs`, full === null ? "" : `${percent(full)} used`];
    if (this.left > 0 && this.chosen === null) parts.push(`${count(this.left)} changes are still to come`);
    setText(byId("heap-use"), parts.filter(Boolean).join(", "));
    setText(byId("extents-summary"), bytes(sum.extentPages * PAGE_BYTES));
  }

  #cellOf(order) {
    const index = this.pickedPage === null ? -1 : indexOf(this.shown.state, this.pickedPage);
    return index < 0 ? -1 : order.indexOf(index);
  }

  /** A place in a few words, for the pointer and for screen readers. */
  #words(index) {
    const { state } = this.shown;
    const page = state.pages[index];
    const kind = state.kinds[index];
    if (kind === 0) return `Nothing begins at page ${count(page)} any more`;
    if (kind > this.classes.length) return `Extent of ${bytes(state.amounts[index] * PAGE_BYTES)}, page ${count(page)}`;
    const { size, regions } = this.classes[kind - 1];
    const used = `${count(state.amounts[index])} of ${count(regions)} regions used`;
    return `Slab of ${bytes(size)}: ${used}, page ${count(page)}`;
  }

  #arenaWords(cell) {
    const { arenas } = this.shown;
    const used = arenas?.used[cell];
    return used === undefined
      ? ""
      : `Arena ${cell + 1}: ${bytes(used)} of ${bytes(arenas.size)} used (${percent(used / arenas.size)})`;
  }

  #pick(index) {
    const { state } = this.shown;
    this.pickedPage = state.pages[index];
    this.detail.show(
      { page: state.pages[index], kind: state.kinds[index], amount: state.amounts[index] },
      this.classes,
      this.chosen !== null,
    );
    this.show();
  }

  recolour() {
    for (const map of [this.map, this.extents, this.arenas]) map.recolour();
  }
}

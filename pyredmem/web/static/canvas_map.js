/* A map of many cells on a canvas, for pointer and keyboard. Only the part in view is drawn, so that the canvas is
   never larger than its box. */

import { colour, element, oncePerPicture, setText } from "./dom.js";
import { palette } from "./palette.js";

const ARROWS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]);

export class CanvasMap {
  /** `describe(cell)`: a short text. `onPick(cell)`: a click or Enter. */
  constructor(box, { label, describe, onPick }) {
    this.box = box;
    this.describe = describe;
    this.onPick = onPick;
    this.canvas = element("canvas", {
      tabindex: 0,
      role: "application",
      "aria-label": `${label}. Arrow keys walk from cell to cell, Enter tells more.`,
    });
    this.spacer = element("div");
    this.tip = element("div", { class: "tip", hidden: true });
    this.spoken = element("p", { class: "hidden", "aria-live": "polite" });
    box.append(this.canvas, this.spacer);
    box.after(this.tip, this.spoken);
    this.context = this.canvas.getContext("2d");
    this.geometry = null;
    this.levels = new Uint8Array(0);
    this.marked = null;
    this.cursor = -1;
    this.picked = -1;
    this.draw = oncePerPicture(() => this.#drawNow());
    this.recolour();
    this.#listen();
  }

  /** The room in view: what a geometry should fit into. A box is as high as it is, or as it may become. */
  get width() {
    return this.box.clientWidth;
  }

  get height() {
    return parseFloat(getComputedStyle(this.box).maxHeight) || this.box.clientHeight;
  }

  /** Show cells: their geometry, their levels, which of them are marked (or null), which one is picked (or -1). */
  show(geometry, levels, marked, picked) {
    this.geometry = geometry;
    this.levels = levels;
    this.marked = marked;
    if (picked >= 0 && this.cursor === this.picked) this.cursor = picked; // it has moved, as cells came and went
    this.picked = picked;
    if (this.cursor >= geometry.count) this.cursor = geometry.count - 1;
    this.draw();
  }

  recolour() {
    this.colours = palette();
    this.ink = colour("--ink");
    this.paper = colour("--paper");
    this.label = colour("--muted");
    this.mark = colour("--mark");
    this.draw();
  }

  #drawNow() {
    const { context, geometry } = this;
    if (geometry === null) return;
    const height = Math.max(1, Math.min(geometry.height, this.height));
    this.#resize(this.box.clientWidth, height);
    this.spacer.style.height = `${Math.max(0, geometry.height - height)}px`;
    const top = this.box.scrollTop;
    context.clearRect(0, 0, this.canvas.width, height);
    context.save();
    context.translate(0, -top);
    const [first, end] = geometry.visible(top, top + height);
    this.#drawCells(first, end);
    this.#drawMarks(first, end);
    this.#drawLabels();
    this.#drawRing(this.picked, first, end, 2);
    if (document.activeElement === this.canvas) this.#drawRing(this.cursor, first, end, 1);
    context.restore();
  }

  #resize(width, height) {
    const scale = window.devicePixelRatio || 1;
    const [across, down] = [Math.round(width * scale), Math.round(height * scale)];
    if (this.canvas.width !== across || this.canvas.height !== down) {
      this.canvas.width = across;
      this.canvas.height = down;
      this.canvas.style.height = `${height}px`;
    }
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  #drawCells(first, end) {
    const { context, levels, colours } = this;
    let last = -1;
    this.geometry.each(first, end, (cell, x, y, width, height) => {
      const level = levels[cell];
      if (level !== last) {
        context.fillStyle = colours[level];
        last = level;
      }
      context.fillRect(x, y, width, height);
    });
  }

  #drawMarks(first, end) {
    if (this.marked === null) return;
    const { context, marked } = this;
    context.strokeStyle = this.mark;
    context.lineWidth = 1.5;
    this.geometry.each(first, end, (cell, x, y, width, height) => {
      if (marked[cell]) context.strokeRect(x - 0.25, y - 0.25, width + 0.5, height + 0.5);
    });
  }

  #drawLabels() {
    const { context } = this;
    context.fillStyle = this.label;
    context.font = `11px ${getComputedStyle(this.box).fontFamily}`;
    context.textBaseline = "top";
    context.textAlign = "right";
    for (const { text, y } of this.geometry.labels) context.fillText(text, this.geometry.gutter - 8, y + 1);
    context.textAlign = "left";
  }

  #drawRing(chosen, first, end, width) {
    if (chosen < first || chosen >= end) return;
    const { context } = this;
    this.geometry.each(chosen, chosen + 1, (_, x, y, across, down) => {
      context.lineWidth = width + 2;
      context.strokeStyle = this.paper;
      context.strokeRect(x - 1.5, y - 1.5, across + 3, down + 3);
      context.lineWidth = width;
      context.strokeStyle = this.ink;
      context.strokeRect(x - 1.5, y - 1.5, across + 3, down + 3);
    });
  }

  #listen() {
    const { canvas, box } = this;
    box.addEventListener("scroll", () => this.draw());
    canvas.addEventListener("pointermove", (event) => this.#point(event));
    canvas.addEventListener("pointerleave", () => {
      this.tip.hidden = true;
    });
    canvas.addEventListener("click", (event) => this.#pick(this.#cellOf(event)));
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("focus", () => this.draw());
    canvas.addEventListener("blur", () => this.draw());
  }

  #cellOf(event) {
    return this.geometry?.at(event.offsetX, event.offsetY + this.box.scrollTop) ?? -1;
  }

  #point(event) {
    const cell = this.#cellOf(event);
    this.tip.hidden = cell < 0;
    if (cell < 0) return;
    setText(this.tip, this.describe(cell));
    const left = this.box.offsetLeft + event.offsetX + 14;
    const room = this.box.offsetLeft + this.box.clientWidth - this.tip.offsetWidth;
    this.tip.style.left = `${Math.max(0, Math.min(left, room))}px`;
    this.tip.style.top = `${this.box.offsetTop + event.offsetY + 18}px`;
  }

  #press(event) {
    const count = this.geometry?.count ?? 0;
    if (count === 0) return;
    let cell = this.cursor;
    if (event.key === "Home") cell = 0;
    else if (event.key === "End") cell = count - 1;
    else if (ARROWS.has(event.key)) cell = cell < 0 ? 0 : this.geometry.moved(cell, event.key);
    else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#pick(Math.max(cell, 0));
      return;
    } else return;
    event.preventDefault();
    this.cursor = cell;
    setText(this.spoken, this.describe(cell));
    this.#scrollTo(cell);
    this.draw();
  }

  #scrollTo(cell) {
    this.geometry.each(cell, cell + 1, (_, x, y, width, height) => {
      const { scrollTop, clientHeight } = this.box;
      if (y < scrollTop) this.box.scrollTop = y;
      else if (y + height > scrollTop + clientHeight) this.box.scrollTop = y + height - clientHeight;
    });
  }

  #pick(cell) {
    if (cell < 0) return;
    this.cursor = cell;
    this.picked = cell;
    setText(this.spoken, this.describe(cell));
    this.draw();
    this.onPick(cell);
  }
}

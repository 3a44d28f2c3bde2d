/* A chart of lines over time, on a canvas. Pointer and keyboard choose a moment, whose values stand in the legend. */

import { colour, drawing, element, figure, oncePerPicture, setFigure, setText } from "./dom.js";
import { clock, duration } from "./format.js";
import { roundedUp } from "./scale.js";

const SHORTEST_S = 60;
const LONGEST_S = 600;
const HEIGHT = 132;
const HEAD = 6; // for the upper half of the highest value
const FOOT = 20; // for the times below
const DASHES = ["", "", "6 3", "2 3", "5 4"];
const PAGE_STEP = 10;

export class Chart {
  constructor(definition) {
    this.definition = definition;
    this.points = [];
    this.span = SHORTEST_S;
    this.cursor = null; // the time of the chosen moment; null is the last one
    this.chosen = null; // the time that the map's slider chose
    this.choice = null;
    this.draw = oncePerPicture(() => this.#drawNow());
    this.gutter = 0; // to the left of the lines, for the values of the axis
    this.values = definition.lines.map(() => figure());
    this.figure = this.#build();
    this.context = this.canvas.getContext("2d");
    this.recolour();
    this.#listen();
  }

  #build() {
    const { id, title, lines, choice, explain, wide } = this.definition;
    this.canvas = element("canvas", {
      tabindex: 0,
      role: "slider",
      "aria-label": `${title}: moment`,
      "aria-valuemin": 0,
      "aria-valuemax": 0,
      "aria-valuenow": 0,
    });
    this.when = element("span", { class: "when muted" });
    this.select = choice ? element("select", { "aria-label": choice.label }) : null;
    const key = lines.map(({ label }, index) =>
      element("li", {}, swatch(index), element("span", {}, label), this.values[index]),
    );
    return element(
      "figure",
      { class: wide ? "panel chart wide" : "panel chart", id: `chart-${id}`, "aria-labelledby": `title-${id}` },
      element(
        "figcaption",
        { class: "head" },
        element("h3", { id: `title-${id}` }, title),
        this.select ?? "",
        this.when,
      ),
      element("ul", { class: "key" }, ...key),
      element("div", { class: "plot" }, this.canvas),
      element("div", { "data-explain": explain }),
    );
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener("pointermove", (event) => this.#moveTo(this.#timeAt(event.offsetX)));
    canvas.addEventListener("pointerleave", () => this.#moveTo(null));
    canvas.addEventListener("blur", () => this.#moveTo(null));
    canvas.addEventListener("keydown", (event) => this.#press(event));
    this.select?.addEventListener("change", () => {
      this.choice = this.select.value;
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(canvas.parentElement);
  }

  /** New points, and the time that the slider of the heap map shows (null: now). */
  update(points, chosen) {
    this.points = points;
    this.chosen = chosen;
    this.#offerChoices();
    this.draw();
  }

  recolour() {
    this.colours = this.definition.lines.map((_, index) => colour(`--line-${index}`));
    this.grid = colour("--line");
    this.muted = colour("--muted");
    this.ink = colour("--ink");
    this.draw();
  }

  #offerChoices() {
    if (this.select === null || this.points.length === 0) return;
    const names = this.definition.choice.of(this.points.at(-1));
    if (this.choice === null) this.choice = names[0] ?? null;
    if (this.choice !== null && !names.includes(this.choice)) names.push(this.choice);
    const offered = [...this.select.options]
      .map((option) => option.value)
      .sort()
      .join();
    if (offered === [...names].sort().join()) return;
    this.select.replaceChildren(...names.map((name) => element("option", { value: name }, name)));
    this.select.value = this.choice ?? "";
  }

  get #end() {
    return this.points.at(-1)?.at ?? 0;
  }

  #timeAt(x) {
    const width = this.canvas.clientWidth - this.gutter;
    return this.#end - (1 - (x - this.gutter) / width) * this.span;
  }

  /** The index of the point nearest to a time. */
  #nearest(at) {
    let best = this.points.length - 1;
    for (let index = best; index >= 0; index--) {
      if (Math.abs(this.points[index].at - at) < Math.abs(this.points[best].at - at)) best = index;
    }
    return best;
  }

  #moveTo(at) {
    this.cursor = at;
    this.draw();
  }

  #press(event) {
    if (this.points.length === 0) return;
    const last = this.points.length - 1;
    const index = this.cursor === null ? last : this.#nearest(this.cursor);
    const targets = {
      ArrowLeft: index - 1,
      ArrowDown: index - 1,
      ArrowRight: index + 1,
      ArrowUp: index + 1,
      PageDown: index - PAGE_STEP,
      PageUp: index + PAGE_STEP,
      Home: 0,
      End: last,
      Escape: last,
    };
    if (!(event.key in targets)) return;
    event.preventDefault();
    const target = Math.min(Math.max(targets[event.key], 0), last);
    this.#moveTo(target === last ? null : this.points[target].at);
  }

  #drawNow() {
    const width = this.canvas.parentElement.clientWidth;
    if (this.points.length === 0 || width === 0) return;
    this.span = Math.min(Math.max(this.#end - this.points[0].at, SHORTEST_S), LONGEST_S);
    const first = this.points.findIndex((point) => point.at >= this.#end - this.span);
    const shown = this.points.slice(Math.max(0, first - 1));
    this.#readOut();
    this.#resize(width);
    const columns = this.definition.lines.map((line) => shown.map((point) => number(line.of(point, this.choice))));
    const [low, high] = this.#range(columns);
    this.context.font = `11px ${getComputedStyle(this.canvas).fontFamily}`;
    const ticks = [0, 0.5, 1].map((part) => low + (high - low) * part);
    this.gutter = Math.max(...ticks.map((tick) => this.context.measureText(this.definition.format(tick)).width)) + 8;
    const place = {
      x: (at) => this.gutter + (width - this.gutter) * (1 - (this.#end - at) / this.span),
      y: (value) => HEAD + (HEIGHT - HEAD - FOOT) * (1 - (value - low) / (high - low)),
    };
    this.#drawGrid(width, ticks, place);
    columns.forEach((column, index) => this.#drawLine(shown, column, index, place));
    this.#drawMoments(place);
  }

  #resize(width) {
    const scale = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(HEIGHT * scale);
    this.context.setTransform(scale, 0, 0, scale, 0, 0);
  }

  /** The ends of the vertical axis. A limit that is far above everything does not press the lines flat. */
  #range(columns) {
    const { lines, minimum = 0, maximum, base, least = 0 } = this.definition;
    const most = (wanted) =>
      columns.reduce((found, column, index) => (wanted(lines[index]) ? column.reduce(larger, found) : found), 0);
    const values = most((line) => !line.limit);
    const limit = most((line) => line.limit);
    if (maximum !== undefined) return [minimum, maximum];
    const above = roundedUp(Math.max(least, values, limit <= values * 3 ? limit * 1.04 : 0) - minimum, base);
    return [minimum, minimum + above];
  }

  #drawGrid(width, ticks, place) {
    const { context, gutter } = this;
    context.lineWidth = 1;
    context.textAlign = "right";
    for (const tick of ticks) {
      const y = Math.round(place.y(tick)) + 0.5;
      context.strokeStyle = this.grid;
      context.beginPath();
      context.moveTo(gutter, y);
      context.lineTo(width, y);
      context.stroke();
      context.fillStyle = this.muted;
      context.fillText(this.definition.format(tick), gutter - 6, y + 4);
    }
    context.fillText("now", width, HEIGHT - 2);
    context.textAlign = "left";
    context.fillText(`${duration(Math.round(this.span))} ago`, gutter, HEIGHT - 2);
  }

  #drawLine(points, column, index, place) {
    const { context } = this;
    const isLimit = this.definition.lines[index].limit;
    context.strokeStyle = this.colours[index];
    context.lineWidth = isLimit ? 1.25 : 1.75;
    context.lineJoin = "round";
    context.setLineDash(DASHES[index] ? DASHES[index].split(" ").map(Number) : []);
    context.beginPath();
    let isOpen = false;
    column.forEach((value, at) => {
      if (value === null) {
        isOpen = false;
        return;
      }
      const [x, y] = [place.x(points[at].at), place.y(value)];
      const isAlone = !isOpen && (at + 1 === column.length || column[at + 1] === null);
      if (isOpen) context.lineTo(x, y);
      else context.moveTo(isAlone ? x - 1.5 : x, y);
      if (isAlone) context.lineTo(x, y);
      isOpen = true;
    });
    context.stroke();
    context.setLineDash([]);
  }

  #drawMoments(place) {
    const { context } = this;
    const moments = [
      [this.chosen, this.muted, [3, 3]],
      [this.cursor === null ? null : this.#chosenPoint().at, this.ink, []],
    ];
    for (const [at, stroke, dash] of moments) {
      if (at === null) continue;
      context.strokeStyle = stroke;
      context.lineWidth = 1;
      context.setLineDash(dash);
      context.beginPath();
      const x = Math.round(place.x(at)) - 0.5;
      context.moveTo(x, HEAD);
      context.lineTo(x, HEIGHT - FOOT);
      context.stroke();
    }
    context.setLineDash([]);
  }

  #chosenPoint() {
    return this.points[this.cursor === null ? this.points.length - 1 : this.#nearest(this.cursor)];
  }

  /** The values of the chosen moment, for eyes and for screen readers. */
  #readOut() {
    const { lines, format } = this.definition;
    const point = this.#chosenPoint();
    lines.forEach((line, index) => setFigure(this.values[index], line.of(point, this.choice), format));
    setText(this.when, this.cursor === null ? "" : clock(point.at));
    const text = lines.map(({ label }, index) => `${label} ${this.values[index].textContent}`).join(", ");
    this.canvas.setAttribute("aria-valuemax", this.points.length - 1);
    this.canvas.setAttribute("aria-valuenow", this.points.indexOf(point));
    this.canvas.setAttribute("aria-valuetext", `${clock(point.at)}: ${text}`);
  }
}

const number = (value) => (typeof value === "number" && Number.isFinite(value) ? value : null);
const larger = (most, value) => (value !== null && value > most ? value : most);

function swatch(index) {
  return drawing(
    "svg",
    { viewBox: "0 0 18 4", class: `stroke line-${index}`, "aria-hidden": "true" },
    drawing("line", { x1: 0, x2: 18, y1: 2, y2: 2, "stroke-dasharray": DASHES[index] || null }),
  );
}

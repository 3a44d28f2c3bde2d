/* The keyspace in groups: one tile each, as large as the memory of its keys. A line at its foot is as long, in
   proportion, as the share of its bytes that the sampling may be wrong by. */

import { ask } from "./ask.js";
import { byId, element, setText } from "./dom.js";
import { bytes, count, counted } from "./format.js";
import { squarified } from "./squarify.js";

const MOST_TILES = 40;
/** The shades by mean bytes per key: up to the first of these, up to the second, ... */
const SHADES = [128, 256, 1024];

export class Treemap {
  constructor() {
    this.groups = [];
    this.question = 0;
    this.box = byId("groups-map");
    byId("groups-legend").append(...legend());
    byId("groups-by").addEventListener("change", () => this.ask());
    byId("separator").addEventListener("change", () => this.ask());
    new ResizeObserver(() => this.#place()).observe(this.box);
    this.box.addEventListener("keydown", (event) => this.#press(event));
  }

  async ask() {
    const number = ++this.question;
    const by = byId("groups-by").querySelector(":checked").value;
    byId("separator-field").hidden = by !== "prefix";
    let answer;
    try {
      answer = await ask("api/keyspace", { by, separator: byId("separator").value || ":" });
    } catch (error) {
      if (number !== this.question) return;
      setText(byId("groups-summary"), error.message);
      this.#show([]);
      return;
    }
    if (number !== this.question) return;
    setText(
      byId("groups-summary"),
      `${counted(answer.keys, "key")}, ${bytes(answer.bytes)}, from a sample of ${count(answer.sampled)}`,
    );
    this.#show(answer.groups ?? []);
  }

  #show(groups) {
    this.groups = [...groups].sort((one, other) => other.bytes - one.bytes).slice(0, MOST_TILES);
    this.box.replaceChildren(...this.groups.map((group, index) => this.#tile(group, index)));
    this.box.classList.toggle("empty-map", this.groups.length === 0);
    setText(byId("groups-line"), this.groups.length ? words(this.groups[0]) : "No keys were found.");
    this.#place();
  }

  #tile(group, index) {
    const tell = () => setText(byId("groups-line"), words(group));
    const inside = element(
      "div",
      { class: "inside" },
      element("strong", {}, group.name),
      element("span", {}, `${bytes(group.bytes)} ± ${bytes(group.bytes_error)}`),
      element("span", {}, `${count(group.keys)} ± ${count(group.keys_error)} keys`),
    );
    const error = element("i", { class: "error", "aria-hidden": "true" });
    error.style.width = `${Math.min(100, group.bytes > 0 ? (group.bytes_error / group.bytes) * 100 : 100)}%`;
    return element(
      "li",
      {
        tabindex: index === 0 ? 0 : -1,
        title: words(group),
        class: `tile shade-${shade(group)}`,
        onpointerenter: tell,
        onfocus: tell,
      },
      inside,
      error,
    );
  }

  #place() {
    const { clientWidth, clientHeight } = this.box;
    const places = squarified(
      this.groups.map((group) => Math.max(group.bytes, 0)),
      clientWidth,
      clientHeight,
    );
    places.forEach(({ x, y, width, height }, index) => {
      const tile = this.box.children[index];
      Object.assign(tile.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
      tile.classList.toggle("small", width < 96 || height < 50);
      tile.classList.toggle("tiny", width < 44 || height < 22);
    });
  }

  #press(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    const tiles = [...this.box.children];
    const target = tiles[tiles.indexOf(document.activeElement) + step];
    if (step === undefined || target === undefined) return;
    event.preventDefault();
    for (const tile of tiles) tile.tabIndex = tile === target ? 0 : -1;
    target.focus();
  }
}

function shade({ bytes: size, keys }) {
  const mean = keys > 0 ? size / keys : 0;
  return SHADES.filter((most) => mean > most).length;
}

function legend() {
  const entry = (name, text) => element("li", {}, element("span", { class: `swatch ${name}` }), text);
  return [
    ...SHADES.map((most, index) => entry(`shade-${index}`, `${index ? "" : "bytes per key: "}up to ${bytes(most)}`)),
    entry(`shade-${SHADES.length}`, "more"),
    entry("error-line", "how far the sample may be off"),
  ];
}

function words(group) {
  return (
    `${group.name}: ${count(group.keys)} ± ${count(group.keys_error)} keys, ` +
    `${bytes(group.bytes)} ± ${bytes(group.bytes_error)} (95% of samples are as near as that)`
  );
}

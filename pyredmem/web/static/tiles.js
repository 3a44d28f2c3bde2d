/* The strip of figures on top. */

import { byId, element, figure, setFigure, setText } from "./dom.js";
import { TILES } from "./figures.js";

export class Tiles {
  constructor() {
    this.tiles = TILES.map((tile) => ({
      tile,
      value: figure({ "data-metric": tile.metric ?? null, "data-rate": tile.name ?? null }),
      beside: element("span", { class: "beside" }),
    }));
    byId("tiles").append(
      ...this.tiles.map(({ tile, value, beside }) =>
        element("div", {}, element("dt", {}, tile.label), element("dd", {}, value, beside)),
      ),
    );
  }

  show(point) {
    for (const { tile, value, beside } of this.tiles) {
      setFigure(value, tile.metric ? point.values[tile.metric] : tile.of(point), tile.format);
      setText(beside, tile.beside(point));
    }
  }
}

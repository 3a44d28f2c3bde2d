/* The commands that are called most at this moment. */

import { element, figure, setFigure, setText } from "./dom.js";
import { microseconds, perSecond } from "./format.js";

const ROWS = 7;
const COLUMNS = [
  ["Calls", "calls", perSecond],
  ["Mean", "mean", microseconds],
  ["p99", "p99", microseconds],
];

export class Commands {
  constructor() {
    this.rows = Array.from({ length: ROWS }, () => {
      const name = element("th", { scope: "row" });
      const figures = COLUMNS.map(() => figure());
      const row = element(
        "tr",
        { hidden: true },
        name,
        ...figures.map((one) => element("td", { class: "number" }, one)),
      );
      return { row, name, figures };
    });
    const heads = ["Command", ...COLUMNS.map(([title]) => title)];
    this.figure = element(
      "figure",
      { class: "panel", id: "command-table", "aria-labelledby": "title-command-table" },
      element("figcaption", { class: "head" }, element("h3", { id: "title-command-table" }, "Busiest commands")),
      element(
        "table",
        {},
        element(
          "thead",
          {},
          element(
            "tr",
            {},
            ...heads.map((title, index) => element("th", { scope: "col", class: index ? "number" : null }, title)),
          ),
        ),
        element("tbody", {}, ...this.rows.map(({ row }) => row)),
      ),
    );
  }

  show(point) {
    const busiest = [...point.commands].sort(([, one], [, other]) => (other.calls ?? 0) - (one.calls ?? 0));
    this.rows.forEach(({ row, name, figures }, index) => {
      row.hidden = index >= busiest.length;
      if (row.hidden) return;
      const [command, found] = busiest[index];
      setText(name, command);
      COLUMNS.forEach(([, field, format], column) => setFigure(figures[column], found[field], format));
    });
  }
}

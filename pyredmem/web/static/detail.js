/* What is known of the slab or extent that was clicked, and some keys that live there. */

import { ask } from "./ask.js";
import { byId, element, setText } from "./dom.js";
import { bytes, count, percent } from "./format.js";
import { PAGE_BYTES } from "./places.js";

/** Rows of a name and a text. */
const facts = (rows) =>
  element(
    "dl",
    { class: "facts" },
    ...rows.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))),
  );

export class Detail {
  constructor() {
    this.question = 0; // only the answer to the last question is shown
  }

  /** `past`: the slider is not at now, so the keys are not those of that moment. */
  async show({ page, kind, amount }, classes, past) {
    const number = ++this.question;
    const isExtent = kind > classes.length;
    setText(byId("detail-title"), kind === 0 ? "Freed place" : isExtent ? "Large extent" : "Slab");
    const rows = [
      ["Page", count(page)],
      ["Address", `0x${(page * PAGE_BYTES).toString(16)}`],
    ];
    if (isExtent) rows.unshift(["Size", bytes(amount * PAGE_BYTES)], ["Pages", count(amount)]);
    else if (kind > 0) rows.unshift(...slabRows(classes[kind - 1], amount));
    const keys = element(
      "div",
      { class: "keys" },
      element("p", { class: "muted" }, kind === 0 ? "Nothing begins here any more." : "Asking for its keys"),
    );
    byId("detail").replaceChildren(facts(rows), keys);
    if (kind === 0) return;
    let found;
    try {
      found = keyList(await ask("api/slab", { page }), past);
    } catch (error) {
      found = [element("p", { class: "problem" }, error.message)];
    }
    if (number === this.question) keys.replaceChildren(...found);
  }
}

function slabRows({ size, regions, pages }, used) {
  return [
    ["Size class", bytes(size)],
    ["Regions", `${count(used)} of ${count(regions)} used (${percent(used / regions)})`],
    ["Length", `${count(pages)} page${pages === 1 ? "" : "s"}, ${bytes(pages * PAGE_BYTES)}`],
  ];
}

function noKeys({ complete, looked }) {
  if (complete === false) return `None of the ${count(looked ?? 0)} keys that were looked at has a block here.`;
  return "No key was found that has a block here.";
}

function keyList(answer, past) {
  const keys = answer.keys ?? [];
  if (keys.length === 0) return [element("p", { class: "muted" }, noKeys(answer))];
  const title = past ? "Some keys that live there now" : "Some keys that live here";
  return [
    element("h4", {}, title),
    element(
      "ul",
      { class: "plain list" },
      ...keys.map(({ db, key, type }) =>
        element("li", {}, element("code", {}, key), element("span", { class: "muted" }, `${type}, db ${db}`)),
      ),
    ),
  ];
}

/* The line under a figure that says what it is, how it is computed, and where Redis does it. */

import { element } from "./dom.js";

let explanations = {};

/** Take over what the server explains, and fill every element that has `data-explain`. */
export function setExplanations(found) {
  explanations = found ?? {};
  for (const place of document.querySelectorAll("[data-explain]")) fill(place);
}

/** The same for one element. Its attribute names figures or metrics, the most important first. */
export function fill(place) {
  const entries = place.dataset.explain
    .split(" ")
    .map((name) => explanations[name])
    .filter(Boolean);
  place.replaceChildren();
  if (entries.length === 0) return;
  place.append(
    element(
      "details",
      { class: "explain" },
      element("summary", {}, element("span", {}, entries[0].what ?? entries[0].title ?? "")),
      ...entries.map(entry),
    ),
  );
}

function entry(found) {
  const parts = [element("p", {}, element("strong", {}, found.title ?? ""), ` ${found.what ?? ""}`)];
  if (found.formula) parts.push(element("p", {}, element("code", {}, found.formula)));
  const facts = [found.unit ? `Unit: ${found.unit.replace("_", " ")}.` : "", found.where ?? ""]
    .filter(Boolean)
    .join(" ");
  if (facts) parts.push(element("p", { class: "muted" }, facts));
  return element("div", {}, ...parts);
}

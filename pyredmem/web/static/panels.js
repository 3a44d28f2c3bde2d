/* The smaller figures of the keyspace: largest keys, histograms, candidates for eviction. */

import { ask } from "./ask.js";
import { byId, element, setText } from "./dom.js";
import { bytes, count, counted, duration, percent } from "./format.js";

/** Ask a question and fill a panel with the answer; if there is none, with the reason. */
async function fill(name, parameters, build) {
  const place = byId(name);
  try {
    const { summary, content } = build(await ask(`api/${name}`, parameters));
    setText(byId(`${name}-summary`), summary);
    place.replaceChildren(content);
  } catch (error) {
    setText(byId(`${name}-summary`), "");
    place.replaceChildren(element("p", { class: "problem" }, error.message));
  }
}

export function askAll() {
  return Promise.all([
    fill("largest", {}, largest),
    fill("expiry", {}, expiry),
    fill("ages", {}, ages),
    fill("eviction", {}, eviction),
  ]);
}

function table(caption, heads, rows) {
  const cell = (tag) => (text, index) =>
    element(tag, { class: heads[index].number ? "number" : null, scope: tag === "th" ? "col" : null }, text);
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", { class: "hidden" }, caption),
      element("thead", {}, element("tr", {}, ...heads.map((head) => head.name).map(cell("th")))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell("td"))))),
    ),
  );
}

/** A key, shortened by the style sheet if it is long; its whole text is in the title. */
const keyCell = (key, db) =>
  element("code", { class: "key-name", title: db ? `${key} (db ${db})` : key }, db ? `${db}: ${key}` : key);

function largest({ sampled, keys }) {
  const heads = [{ name: "Key" }, { name: "Type" }, { name: "Encoding" }, { name: "Bytes", number: true }];
  const rows = keys.map(({ db, key, type, encoding, bytes: size }) => [
    keyCell(key, db),
    type,
    encoding,
    exact(size, bytes),
  ]);
  return {
    summary: `of ${count(sampled)} sampled`,
    content: rows.length ? table("The largest keys", heads, rows) : nothing("No keys were found."),
  };
}

function exact(value, format) {
  return element("data", { value, title: count(value) }, format(value));
}

const nothing = (text) => element("p", { class: "muted" }, text);

/** Horizontal bars: `[label, share]` each. The longest one fills the width. */
function bars(caption, rows) {
  const most = Math.max(...rows.map(([, share]) => share), 0);
  return element(
    "table",
    { class: "bars" },
    element("caption", { class: "hidden" }, caption),
    element(
      "tbody",
      {},
      ...rows.map(([label, share]) => {
        const bar = element("i", { "aria-hidden": "true" });
        bar.style.width = `${most > 0 ? (share / most) * 100 : 0}%`;
        return element(
          "tr",
          {},
          element("th", { scope: "row" }, label),
          element("td", { class: "bar" }, bar),
          element("td", { class: "number" }, element("data", { value: share }, percent(share))),
        );
      }),
    ),
  );
}

/** "10 s – 1 min", "over 1 d" */
function range(from, to, format) {
  if (to === null || to === undefined) return `over ${format(from)}`;
  return from > 0 ? `${format(from)} – ${format(to)}` : `up to ${format(to)}`;
}

function expiry({ sampled, without, buckets }) {
  const rows = buckets.map((bucket) => [range(bucket.from_s, bucket.to_s, duration), bucket.share]);
  rows.push(["no expire time", without]);
  return {
    summary: `${counted(sampled, "key")} sampled`,
    content: bars("Keys by the time they have left to live", rows),
  };
}

function ages({ sampled, kind, buckets }) {
  const isIdle = kind === "idle";
  setText(byId("ages-title"), isIdle ? "Idle time" : "Access frequency");
  const rows = buckets.map((bucket) => [range(bucket.from, bucket.to, isIdle ? duration : count), bucket.share]);
  const caption = isIdle ? "Keys by the time since they were used" : "Keys by their counter of accesses";
  return { summary: `${counted(sampled, "key")} sampled`, content: bars(caption, rows) };
}

function eviction({ policy, candidates }) {
  const heads = [{ name: "Key" }, { name: candidates[0]?.what ?? "Score", number: true }];
  const rows = candidates.map(({ db, key, score }) => [
    keyCell(key, db),
    element("data", { value: score }, count(score)),
  ]);
  const content = rows.length
    ? table("Keys that are next to be evicted", heads, rows)
    : nothing("Nothing waits to be evicted.");
  return { summary: policy, content };
}

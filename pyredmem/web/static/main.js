/* The page: connects to the server and hands what it says to the parts. */

import { Chart } from "./chart.js";
import { Commands } from "./commands.js";
import { Connection } from "./connection.js";
import { Demonstration } from "./demonstration.js";
import { byId, element, setText } from "./dom.js";
import { setExplanations } from "./explain.js";
import { CHARTS } from "./figures.js";
import { Heap } from "./heap.js";
import { askAll } from "./panels.js";
import { Series } from "./series.js";
import { setUpTheme } from "./theme.js";
import { Tiles } from "./tiles.js";
import { Treemap } from "./treemap.js";

const ASK_EVERY_MS = 10000;

const series = new Series();
const tiles = new Tiles();
const charts = CHARTS.map((definition) => new Chart(definition));
const commands = new Commands();
const treemap = new Treemap();
const demonstration = new Demonstration(notice);
const heap = new Heap(showCharts);
let server = null;

byId("charts").append(...charts.map((chart) => chart.figure), commands.figure);

function notice(text) {
  byId("notice").hidden = text === "";
  setText(byId("notice"), text);
}

function askKeyspace() {
  treemap.ask();
  askAll();
}

function showCharts() {
  for (const chart of charts) chart.update(series.points, heap.chosen);
}

function onHello(hello) {
  const sameServer = server !== null && server.name === hello.server.name;
  server = hello.server;
  if (!sameServer) series.clear();
  setText(byId("server-name"), server.name);
  setText(
    byId("server-version"),
    [server.is_pyredmem ? "pyredmem" : "Redis", server.version, server.mode].filter(Boolean).join(" "),
  );
  document.title = `${server.name} – pyredmem monitor`;
  setExplanations(hello.explain);
  const missing = hello.missing ?? [];
  byId("missing-panel").hidden = missing.length === 0;
  byId("missing").replaceChildren(...missing.map((text) => element("li", {}, text)));
  heap.start(hello, sameServer);
  demonstration.start(hello);
  notice("");
  askKeyspace();
}

function onFrame(frame) {
  heap.add(frame);
  series.add(frame);
  tiles.show(series.last);
  commands.show(series.last);
  demonstration.show(frame.demonstration);
  showCharts();
}

function onStatus(state, text) {
  const status = byId("status");
  status.dataset.state = state;
  setText(status, text);
  document.body.classList.toggle("stale", state !== "live" && server !== null);
}

setUpTheme(() => {
  heap.recolour();
  for (const chart of charts) chart.recolour();
});

const connection = new Connection({ onHello, onFrame, onStatus });
byId("interval").addEventListener("change", (event) => connection.setInterval(Number(event.target.value)));
byId("ask-again").addEventListener("click", askKeyspace);
setInterval(() => {
  if (byId("ask-often").checked && !document.hidden) askKeyspace();
}, ASK_EVERY_MS);
connection.open();

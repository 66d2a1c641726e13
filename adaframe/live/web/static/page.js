// Wires the connection to the tiles and the list.

import { nameClasses } from "./colours.js";
import { Connection } from "./connection.js";
import { EventList } from "./events.js";
import { Tile } from "./tile.js";
import { clock, percent, setText } from "./text.js";

const page = {
  main: document.querySelector("main"),
  tiles: document.getElementById("tiles"),
  notice: document.getElementById("notice"),
  connection: document.getElementById("connection"),
  model: document.getElementById("model"),
};
const events = new EventList(document.getElementById("events"));
const tiles = new Map();
const still = matchMedia("(prefers-reduced-motion: reduce)");
let serverAhead = 0; // milliseconds of the server's clock before ours
let gone = null;

const now = () => Date.now() + serverAhead;

function arrange(sources) {
  for (const source of sources) {
    if (tiles.has(source)) continue;
    const tile = new Tile(source, enlarge);
    tiles.set(source, tile);
    page.tiles.append(tile.root);
  }
  for (const [source, tile] of tiles) {
    if (sources.includes(source)) continue;
    tile.root.remove();
    tiles.delete(source);
  }
  page.main.dataset.tiles = sources.length > 1 ? "several" : "one";
}

function enlarge(chosen) {
  const large = chosen && !chosen.root.classList.contains("large");
  for (const tile of tiles.values()) {
    const is = large && tile === chosen;
    tile.root.classList.toggle("large", is);
    tile.button.setAttribute("aria-pressed", is);
    tile.button.textContent = is ? "All cameras" : "Enlarge";
  }
  page.main.classList.toggle("chosen", Boolean(large));
}

addEventListener("keydown", (event) => {
  if (event.key === "Escape") enlarge(null);
});

new Connection({
  async message(head, jpegs) {
    serverAhead = head.now - Date.now();
    if (head.hello) {
      nameClasses(head.hello.classes);
      setText(page.model, head.hello.model);
      events.forget();
      for (const tile of tiles.values()) tile.forget();
    }
    if (head.sources) arrange(head.sources);
    [...tiles.values()].forEach((tile, place) => tile.take(head.tracks[place]));
    for (const row of head.events) events.add(row, tiles.size > 1);
    if (head.hello) drawLegends();
    sayTitle();
    await Promise.all(head.pictures.map(({ source, time }, place) => tiles.get(source).show(jpegs[place], time)));
    if (page.connection.className === "connecting") sayConnected();
  },
  lost() {
    gone ??= now();
    page.connection.className = "gone";
    setText(page.connection, "No connection");
    page.notice.hidden = false;
    setText(page.notice, `The server has not answered since ${clock(gone)}. What you see is old. Trying to reach it…`);
  },
  back() {
    gone = null;
    page.notice.hidden = true;
    sayConnected();
  },
});

function sayConnected() {
  page.connection.className = "connected";
  setText(page.connection, "Connected");
}

function sayTitle() {
  const [first] = tiles.values();
  const moment = tiles.size === 1 && first.track.moment;
  document.title = moment ? `${[moment.label].flat().join(", ")} ${percent(moment.confidence)} · adaframe` : "adaframe live";
}

let drawnAt = 0;
function draw(time) {
  requestAnimationFrame(draw);
  if (time - drawnAt < (still.matches ? 1000 : 80)) return;
  drawnAt = time;
  for (const tile of tiles.values()) tile.draw(gone ?? now(), gone);
}

function drawLegends() {
  for (const tile of tiles.values()) tile.drawLegends(gone ?? now());
}

requestAnimationFrame(draw);
setInterval(drawLegends, 1000);

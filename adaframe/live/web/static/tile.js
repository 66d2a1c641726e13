// One source: its picture and whether it is live, its label, its last minute, and what it costs.

import { colourOf } from "./colours.js";
import { SPAN_MS, drawStrip, drawTimeline, heightOf, lookSize } from "./drawing.js";
import { clock, element, labels, percent, seconds, setText, sourceName } from "./text.js";
import { Webcam, whyNot } from "./webcam.js";

const STALE_MS = 4000;

export class Tile {
  constructor(source, enlarge) {
    this.source = source;
    this.rows = [];
    this.looks = [];
    this.track = { moment: null, state: "waiting", age_s: null, lost: null };
    this.root = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    this.picture = this.#find(".picture canvas");
    const name = this.#find(".source");
    name.textContent = sourceName(source);
    name.title = source;
    this.button = this.#find(".enlarge");
    this.button.addEventListener("click", () => enlarge(this));
    if (source === "browser") this.#offerWebcam();
  }

  #find(selector) {
    return this.root.querySelector(selector);
  }

  /** A server that was started anew knows nothing of before. */
  forget() {
    this.rows = [];
  }

  /** track: moment, rows since the last time, state, age_s and lost, as the server says them. */
  take(track) {
    this.track = track;
    for (const row of track.rows) this.rows.push(row);
    const newest = this.rows.at(-1)?.[0] ?? 0;
    const kept = this.rows.findIndex(([ms]) => ms >= newest - SPAN_MS);
    this.rows.splice(0, Math.max(0, kept));
    for (const [, , , , action] of track.rows) {
      if (action === "skip" || action === "glance" || this.looks.includes(action)) continue;
      this.looks.push(action);
      this.looks.sort((one, other) => lookSize(one) - lookSize(other));
    }
    if (track.moment && track.rows.length) this.#say(track.moment);
  }

  async show(jpeg, time) {
    let bitmap;
    try {
      bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    } catch {
      return; // a damaged picture is no picture
    }
    if (this.picture.width !== bitmap.width || this.picture.height !== bitmap.height) {
      this.picture.width = bitmap.width;
      this.picture.height = bitmap.height;
      // Upright pictures, and very wide ones, get bars beside them rather than a tile that nobody can see whole.
      this.root.style.setProperty("--shape", Math.min(2, Math.max(1.25, bitmap.width / bitmap.height)));
    }
    this.picture.getContext("2d").drawImage(bitmap, 0, 0);
    bitmap.close();
    this.shownTime = time;
    this.shownAt = performance.now();
  }

  /** Draw what moves with time. gone: since when the server has not been heard, or null. */
  draw(now, gone) {
    drawTimeline(this.#find(".timeline"), this.rows, now);
    drawStrip(this.#find(".strip"), this.rows.map((row) => row[4]), this.looks);
    this.#sayLive(gone);
  }

  /** What is rarely new: words about the strips. */
  drawLegends(now) {
    const spent = new Map();
    const actions = new Map();
    this.rows.forEach(([ms, label, , , action], place) => {
      if (ms < now - SPAN_MS) return;
      const until = this.rows[place + 1]?.[0] ?? now;
      for (const one of labels(label)) spent.set(one, (spent.get(one) ?? 0) + Math.min(until - ms, 2500));
      actions.set(action, (actions.get(action) ?? 0) + 1);
    });
    const longest = [...spent].sort((one, other) => other[1] - one[1]);
    const said = longest.slice(0, 6).map(([label, ms]) => {
      const item = element("li", "", element("i"), element("span", "", label), ` ${seconds(Math.max(1000, ms) / 1000)}`);
      item.firstChild.style.background = colourOf(label);
      return item;
    });
    this.#find(".minute .legend").replaceChildren(...said);
    this.#find(".timeline").setAttribute("aria-label", `Last minute: ${longest.map(([label, ms]) => `${label} ${seconds(ms / 1000)}`).join(", ")}`);
    const total = [...actions.values()].reduce((sum, count) => sum + count, 0);
    const kinds = ["skip", "glance", ...this.looks].filter((kind) => actions.has(kind));
    const shares = kinds.map((kind) => {
      const item = element("li", `action ${kind === "skip" || kind === "glance" ? kind : "look"}`, element("i"), `${kind} ${percent(actions.get(kind) / total)}`);
      item.firstChild.style.height = `${Math.max(0.25, heightOf(kind, this.looks)) * 12}px`;
      return item;
    });
    this.#find(".looked .legend").replaceChildren(...shares);
    this.#find(".strip").setAttribute("aria-label", `Decisions of the last minute: ${shares.map((item) => item.textContent).join(", ")}`);
  }

  #say(moment) {
    const held = labels(moment.label);
    const said = held.length ? held.join(" · ") : "none of the labels";
    setText(this.#find(".label span"), said);
    this.#find(".label").title = said;
    this.root.style.setProperty("--label", held.length ? colourOf(held[0]) : "var(--quiet)");
    this.root.classList.toggle("unsure", moment.unsure);
    this.#find(".confidence").textContent = percent(moment.confidence) + (moment.unsure ? " · unsure" : "");
    this.#find(".answer .meter i").style.width = `${moment.confidence * 100}%`;
    this.#sayOthers(moment.top.filter(({ label }) => !held.includes(label)));
    this.#number("saved", percent(moment.saved), moment.budget === null ? "" : `budget ${Number(moment.budget.toFixed(2))}`);
    this.#find(".saved .meter i").style.width = `${moment.saved * 100}%`;
    this.#number("delay", seconds(moment.delay_s));
    this.#number("load", percent(moment.load));
    this.#number("work", moment.gmacs_per_s.toFixed(moment.gmacs_per_s < 10 ? 1 : 0), "GMAC/s");
    this.#number("dropped", String(moment.dropped), "frames");
  }

  #sayOthers(others) {
    const list = this.#find(".others ol");
    while (list.children.length < others.length) list.append(element("li", "", element("span"), element("b"), element("i")));
    while (list.children.length > others.length) list.lastChild.remove();
    others.forEach(({ label, confidence }, place) => {
      const [name, value, bar] = list.children[place].children;
      setText(name, label);
      setText(value, percent(confidence));
      bar.style.width = `${confidence * 100}%`;
      bar.style.background = colourOf(label);
    });
  }

  #number(name, value, unit = "") {
    setText(this.#find(`.${name} b`), value);
    setText(this.#find(`.${name} small`), unit);
  }

  #sayLive(gone) {
    const { state, lost } = this.track;
    const since = this.shownTime ? clock(this.shownTime) : null;
    let [kind, chip, title, text] = ["live", "Live", "", ""];
    if (gone !== null) {
      [kind, chip, title] = ["lost", "Not live", "No connection"];
      text = since ? `This picture is from ${since}.` : "";
    } else if (state === "lost") {
      [kind, chip, title] = ["lost", "Lost", `${sourceName(this.source)} is lost`];
      text = `Since ${clock(lost.time)}${lost.why ? `: ${lost.why}` : ""}. It is tried again.`;
      if (lost.retried === false) [chip, title, text] = ["Unusable", `${sourceName(this.source)} cannot be used`, lost.why];
    } else if (!since) {
      [kind, chip, title] = ["waiting", "Waiting", this.source === "browser" ? "" : "Waiting for the first picture"];
    } else if (state === "stale" || performance.now() - this.shownAt > STALE_MS) {
      [kind, chip, title] = ["lost", "Not live", "No new picture"];
      text = `This one is from ${since}.`;
    }
    this.root.dataset.state = kind;
    setText(this.#find(".state span"), chip);
    this.#find(".veil").hidden = !title;
    if (this.veiled !== title + text) {
      this.veiled = title + text;
      this.#find(".veil").replaceChildren(element("strong", "", title), element("span", "", text));
    }
    this.picture.setAttribute("aria-label", `${kind === "live" ? "Live picture" : "Old picture"} of ${sourceName(this.source)}`);
  }

  #offerWebcam() {
    const [button, text] = this.#find(".webcam").children;
    const webcam = new Webcam((sending, why) => {
      button.textContent = sending ? "Stop the camera" : "Use this device’s camera";
      this.#find(".webcam").classList.toggle("sending", sending);
      text.textContent = why;
    });
    this.#find(".webcam").hidden = false;
    text.textContent = whyNot();
    button.hidden = Boolean(text.textContent);
    button.addEventListener("click", () => (webcam.sending ? webcam.stop() : webcam.start()));
  }
}

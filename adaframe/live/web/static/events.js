// The list of what began, ended, was lost and came back, newest first.

import { colourOf } from "./colours.js";
import { clock, element, percent, seconds, sourceName } from "./text.js";

const MOST = 100;

export class EventList {
  constructor(root) {
    this.root = root;
    this.list = root.querySelector("ol");
    this.open = new Map(); // items of labels that go on, by source and label
  }

  forget() {
    this.list.replaceChildren();
    this.open.clear();
  }

  /** row: an event as `adaframe stream --json` writes it. several: whether the source must be named. */
  add(row, several) {
    this.root.querySelector(".empty").hidden = true;
    const key = JSON.stringify([row.source, row.label]);
    if (row.event === "end" && this.open.has(key)) {
      this.#fill(this.open.get(key), row, several);
      this.open.delete(key);
      return;
    }
    const item = element("li", row.event);
    this.#fill(item, row, several);
    if (row.event === "start") this.open.set(key, item);
    this.list.prepend(item);
    if (this.list.children.length > MOST) this.list.lastChild.remove();
  }

  #fill(item, row, several) {
    item.className = row.event;
    const began = row.began ?? row.time;
    const time = element("time", "", clock(began));
    time.dateTime = began;
    const [title, details] = this.#words(row);
    if (several && row.label) details.push(sourceName(row.source));
    const mark = element("i");
    if (row.label) mark.style.background = colourOf(row.label);
    item.replaceChildren(mark, time, element("strong", "", title), element("span", "", details.join(" · ")));
  }

  #words(row) {
    if (row.event === "lost") return [`${sourceName(row.source)} ${row.retried === false ? "cannot be used" : "lost"}`, row.why ? [row.why] : []];
    if (row.event === "back") return [`${sourceName(row.source)} is back`, []];
    if (row.event === "start") return [row.label, ["going on"]];
    const peak = row.peak === undefined ? [] : [`peak ${percent(row.peak)}`];
    return [row.label, [row.seconds === undefined ? "ended" : `for ${seconds(row.seconds)}`, ...peak]];
  }
}

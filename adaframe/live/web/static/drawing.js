// The two strips of a tile, drawn on canvases: labels over the last minute, and decisions frame by frame.

import { ink, paintOf } from "./colours.js";
import { labels } from "./text.js";

export const SPAN_MS = 60000;
const LONGEST_MS = 2500; // that one answer stands for the time after it
const CELL = 9;
const GAP = 3;

/** The canvas's 2d context, in CSS pixels, wiped; sharp on every screen. */
function fresh(canvas) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = devicePixelRatio || 1;
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext("2d");
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  return { context, width, height, scale };
}

/** rows: [ms, label, confidence, unsure, action], oldest first. Height is confidence; what is unsure is pale. */
export function drawTimeline(canvas, rows, now) {
  const { context, width, height, scale } = fresh(canvas);
  // Whole pixels of the screen: neighbours neither overlap nor leave a seam.
  const x = (ms) => Math.round(((ms - now + SPAN_MS) / SPAN_MS) * width * scale) / scale;
  const paints = new Map();
  context.fillStyle = ink("--line");
  for (const share of [0.25, 0.5, 0.75]) context.fillRect(Math.round(width * share), 0, 1, height);
  rows.forEach(([ms, label, confidence, unsure], place) => {
    const until = place + 1 < rows.length ? rows[place + 1][0] : now;
    const left = Math.max(0, x(ms));
    const right = x(Math.min(until, ms + LONGEST_MS));
    if (right <= 0) return;
    const held = labels(label);
    held.forEach((one, lane) => {
      const room = height / held.length;
      const tall = Math.max(2, room * confidence);
      if (!paints.has(one)) paints.set(one, paintOf(one));
      context.fillStyle = paints.get(one);
      context.globalAlpha = unsure ? 0.08 : 0.2;
      context.fillRect(left, lane * room, right - left, room);
      context.globalAlpha = unsure ? 0.35 : 1;
      context.fillRect(left, (lane + 1) * room - tall, right - left, tall);
    });
  });
  context.globalAlpha = 1;
}

/** How tall a decision stands: looks by their order of size, the glance below them, a skip as a dot. */
export function heightOf(action, looks) {
  if (action === "skip") return 0;
  if (action === "glance") return 0.32;
  return 0.5 + (0.5 * (looks.indexOf(action) + 1)) / looks.length;
}

export function lookSize(action) {
  return Number(action.match(/\d+/)?.[0] ?? 0);
}

/** actions: oldest first; the newest stands at the right. looks: names, smallest first. */
export function drawStrip(canvas, actions, looks) {
  const { context, width, height } = fresh(canvas);
  const fits = Math.floor((width + GAP) / (CELL + GAP));
  const shown = actions.slice(-fits);
  const paints = { skip: ink("--skip"), glance: ink("--glance") };
  const look = ink("--look");
  shown.forEach((action, place) => {
    const left = width - (shown.length - place) * (CELL + GAP) + GAP;
    const share = heightOf(action, looks);
    context.fillStyle = paints[action] ?? look;
    context.beginPath();
    if (share === 0) context.arc(left + CELL / 2, height - 3, 1.75, 0, 2 * Math.PI);
    else context.roundRect(left, height * (1 - share), CELL, height * share, 2);
    context.fill();
  });
}

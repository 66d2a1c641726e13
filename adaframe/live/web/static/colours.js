// One colour a class, the same in every tile, in the list and after every start.

const HUES = [250, 55, 155, 20, 325, 205, 100, 285];
let places = new Map();

export function nameClasses(classes) {
  places = new Map(classes.map((label, place) => [label, place]));
}

/** For the page's elements: CSS that follows the light or dark scheme. */
export function colourOf(label) {
  return `oklch(var(--class-light) var(--class-chroma) ${hueOf(label)})`;
}

/** For canvases, as the scheme is now. */
export function paintOf(label) {
  return `oklch(${ink("--class-light")} ${ink("--class-chroma")} ${hueOf(label)})`;
}

/** The value of a CSS variable. */
export function ink(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function hueOf(label) {
  if (!places.has(label)) places.set(label, places.size);
  const place = places.get(label);
  // Steps of the golden angle keep colours apart, however many there are.
  return place < HUES.length ? HUES[place] : (place * 137.508) % 360;
}

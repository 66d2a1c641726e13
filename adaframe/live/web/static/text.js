// How values are written.

export function clock(when) {
  return new Date(when).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit" });
}

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

export function seconds(value) {
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  if (value < 60) return `${value.toFixed(1)} s`;
  return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** What a moment says, as a list: models with several labels at once may also say none. */
export function labels(label) {
  return Array.isArray(label) ? label : [label];
}

export function sourceName(source) {
  if (/^\d+$/.test(source)) return `Camera ${source}`;
  if (source === "browser") return "Browser camera";
  // Of an address the host and the path, of a file the name; the whole stands in the tooltip.
  const address = source.match(/^\w+:\/\/(?:[^@/]*@)?(.+)$/);
  if (address) return address[1];
  return source.startsWith("/dev/") ? source : source.split(/[/\\]/).at(-1) || source;
}

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Changes the page only where the text does: a live region says each change aloud. */
export function setText(target, text) {
  if (target.textContent !== text) target.textContent = text;
}

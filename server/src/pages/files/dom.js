// Makes elements, always from text and never from markup, and shows numbers and times.

/** An element with attributes, `on…` listeners and children: elements, texts, or nothing. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : String(value));
  }
  element.append(...children.flat().filter((child) => child || child === 0));
  return element;
}

/**
 * A table that becomes blocks on a narrow screen. Columns are names, or `[name, 'number']`. The roles are repeated,
 * because a table that is laid out as blocks is none for some browsers.
 */
export function table(label, columns, rows, empty = 'Nothing.') {
  if (rows.length === 0) return el('p', { class: 'muted' }, empty);
  const names = columns.map((column) => [].concat(column));
  const cell = (value, at) => {
    const [name, kind] = names[at];
    const row = at === 0;
    return el(row ? 'th' : 'td', { scope: row ? 'row' : null, role: row ? 'rowheader' : 'cell', class: kind,
      'data-label': name }, el('span', {}, value));
  };
  const head = names.map(([name, kind]) => el('th', { scope: 'col', role: 'columnheader', class: kind }, name));
  return el('table', { class: 'stack', role: 'table', 'aria-label': label },
    el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head)),
    el('tbody', { role: 'rowgroup' }, rows.map((row) => el('tr', { role: 'row' }, row.map(cell)))));
}

/** A list of names and values. */
export function facts(pairs) {
  return el('dl', {}, pairs.flatMap(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]));
}

/** A word with a colour: `good`, `warn` or `bad`. */
export function badge(kind, text) {
  return el('span', { class: `badge ${kind}` }, text);
}

/** A number of bytes. */
export function bytes(count) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = count;
  while (value >= 1024 && at < units.length - 1) {
    value /= 1024;
    at += 1;
  }
  return `${value.toFixed(at === 0 || value >= 100 ? 0 : 1)} ${units[at]}`;
}

/** A time: day and minute in the time of whoever looks, or what stands for none. */
export function time(text, none = 'never') {
  if (!text) return none;
  const at = new Date(text);
  const pad = (number) => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}-${pad(at.getMonth() + 1)}-${pad(at.getDate())}`;
  return el('time', { datetime: text, title: text }, `${day} ${pad(at.getHours())}:${pad(at.getMinutes())}`);
}

/** The whole days until a time. */
export function daysUntil(text) {
  return Math.floor((new Date(text) - Date.now()) / 86_400_000);
}

/** Many of a thing, as text. */
export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString('en')} ${number === 1 ? one : many}`;
}

/** Says something that was done. */
export function say(text) {
  const toast = document.getElementById('toast');
  toast.textContent = text;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { toast.textContent = ''; }, 6000);
}

// The one dialog: shows what a change will do, asks once, and says what came of it.

import { explain, file } from './api.js';
import { el, say } from './dom.js';

const dialog = document.getElementById('dialog');

/** Shows a dialog with these parts. Returns when it is closed. */
function show(title, parts) {
  dialog.replaceChildren(el('h2', { id: 'dialog-title' }, title), ...parts);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
}

/** What the next signature will be, as far as everybody can read it. */
async function signatures() {
  const timestamp = await file('tuf/timestamp.json').catch(() => null);
  const signed = timestamp?.signed;
  const snapshot = signed?.meta?.['snapshot.json']?.version;
  if (!snapshot) return 'catalog, snapshot and timestamp';
  return `the catalog, snapshot ${snapshot + 1} (now ${snapshot}) and timestamp ${signed.version + 1} (now ${signed.version})`;
}

/**
 * Shows a change and asks whether to make it.
 *
 * `changes` are `[what, now, then]`; `signs` says whether the server signs; `run` makes the change, and may fail:
 * then the dialog stays and says why. Resolves to whether it was made.
 */
export async function confirm({ title, text, changes = [], signs = false, label, run, done }) {
  let result = false;
  const failure = el('div');
  const yes = el('button', { type: 'button', class: 'primary' }, label);
  const no = el('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel');
  const cell = (tag, value) => el(tag, { scope: tag === 'th' ? 'row' : null }, value);
  const head = el('thead', {}, el('tr', {}, ['', 'Now', 'Then'].map((name) =>
    (name ? el('th', { scope: 'col' }, name) : el('td')))));
  const rows = changes.map(([what, now, then]) =>
    el('tr', {}, cell('th', what), cell('td', now), cell('td', el('b', {}, then))));
  const parts = [text && el('p', {}, text),
    changes.length > 0 && el('table', { 'aria-label': 'What changes' }, head, el('tbody', {}, rows)),
    signs && el('p', {}, `This server signs ${await signatures()}. Players see it when they next check, after half a minute at the earliest.`),
    failure, el('div', { class: 'actions' }, no, yes)].filter(Boolean);
  let busy = false;
  // While the server works, Escape must not hide what comes of it.
  const stay = (event) => { if (busy) event.preventDefault(); };
  dialog.addEventListener('cancel', stay);
  yes.addEventListener('click', async () => {
    busy = true;
    no.disabled = true;
    yes.disabled = true;
    yes.textContent = 'Working…';
    failure.replaceChildren();
    try {
      result = (await run()) ?? true;
      busy = false;
      dialog.close();
      if (done) say(done);
    } catch (problem) {
      busy = false;
      no.disabled = false;
      failure.replaceChildren(explain(problem));
      yes.textContent = label;
      yes.disabled = problem.code === 'precondition_failed';
      no.textContent = 'Close';
      no.focus();
    }
  });
  await show(title, parts);
  dialog.removeEventListener('cancel', stay);
  return result;
}

/** Shows a text that is shown only once, such as a new token. */
export async function reveal(title, text, secret) {
  const shown = el('pre', { tabindex: 0, 'aria-label': 'The token' }, el('code', {}, secret));
  const copied = el('span', { role: 'status', class: 'muted' });
  const copy = el('button', { type: 'button', onclick: async () => {
    const outcome = await navigator.clipboard?.writeText(secret).then(() => 'Copied.', () => null);
    if (!outcome) getSelection().selectAllChildren(shown);
    copied.textContent = outcome ?? 'Selected: copy it with your keyboard.';
  } }, 'Copy');
  const close = el('button', { type: 'button', class: 'primary', onclick: () => dialog.close() }, 'I have kept it');
  await show(title, [el('p', {}, text), shown, el('div', { class: 'actions' }, copied, copy, close)]);
  dialog.replaceChildren();
}

// The operator's page: who has signed in, and which section is shown.

import { Problem, explain, get, session } from './api.js';
import { el } from './dom.js';
import { audit, bundles, publications, tokens } from './lists.js';
import { overview } from './overview.js';
import { versions } from './versions.js';

const SECTIONS = {
  overview: ['Overview', overview],
  versions: ['Versions', versions],
  publications: ['Publications', publications],
  bundles: ['Bundles', bundles],
  tokens: ['Tokens', tokens],
  audit: ['Audit log', audit],
};

const main = document.getElementById('main');
const nav = document.getElementById('sections');
const who = document.getElementById('who');

/** The own token as the server lists it, once signed in. */
let me = null;
/** Counts what is drawn: an older answer must not cover a newer section. */
let drawn = 0;

const route = () => {
  const [name, ...rest] = location.hash.replace(/^#\/?/, '').split('/').map(decodeURIComponent);
  return SECTIONS[name] ? [name, rest] : ['overview', []];
};

/** Draws the section of the address. The focus goes to its heading, or stays at the element with the same id. */
async function draw({ focus = true } = {}) {
  if (!me) return signIn();
  const number = ++drawn;
  const [name, rest] = route();
  const [title, section] = SECTIONS[name];
  const kept = !focus && document.activeElement?.id;
  for (const link of nav.children) {
    if (link.dataset.name === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${title} · Update service`;
  main.setAttribute('aria-busy', 'true');
  let parts;
  try {
    parts = await section({ me, isAdmin: me.scopes.includes('admin'), rest, redraw: () => draw({ focus: false }) });
  } catch (problem) {
    if (problem instanceof Problem && problem.code === 'unauthorized') return signIn(problem);
    parts = [explain(problem)];
  }
  if (number !== drawn) return undefined;
  const heading = el('h1', { tabindex: -1 }, title);
  const refresh = el('button', { type: 'button', id: 'refresh', onclick: () => draw({ focus: false }) }, 'Refresh');
  main.replaceChildren(el('div', { class: 'spread' }, heading, refresh), ...parts);
  main.removeAttribute('aria-busy');
  if (focus) heading.focus({ preventScroll: true });
  else if (kept) document.getElementById(kept)?.focus({ preventScroll: true });
  return undefined;
}

function signIn(problem = null) {
  drawn += 1;
  session.end();
  me = null;
  nav.hidden = true;
  who.hidden = true;
  document.title = 'Sign in · Update service';
  const input = el('input', { type: 'password', id: 'token', autocomplete: 'off', spellcheck: 'false', required: true,
    'aria-describedby': 'token-help' });
  const keep = el('input', { type: 'checkbox', id: 'keep', checked: true });
  const failure = el('div', {}, problem && explain(problem));
  const button = el('button', { class: 'primary' }, 'Sign in');
  const enter = async (event) => {
    event.preventDefault();
    button.disabled = true;
    session.begin(input.value.trim(), keep.checked);
    try {
      await begin();
    } catch (found) {
      session.end();
      failure.replaceChildren(explain(found.code === 'unauthorized'
        ? Object.assign(found, { detail: 'The server does not know this token, or it has ended.' }) : found));
      button.disabled = false;
      input.focus();
    }
  };
  main.replaceChildren(el('form', { class: 'card sign-in', onsubmit: enter },
    el('h1', {}, 'Sign in'), failure,
    el('div', { class: 'field' }, el('label', { for: 'token' }, 'Token'), input,
      el('small', { id: 'token-help' }, 'It begins with vsk_. The command vsekai-server token create makes one.')),
    el('div', { class: 'field' }, el('label', { class: 'plain row' }, keep, 'Stay signed in until this tab is closed')),
    button));
  main.removeAttribute('aria-busy');
  input.focus();
}

async function begin() {
  me = await get('/token');
  document.getElementById('who-name').textContent = me.name || 'token without a name';
  nav.hidden = false;
  who.hidden = false;
  await draw();
}

nav.append(...Object.entries(SECTIONS).map(([name, [title]]) => el('a', { href: `#/${name}`, 'data-name': name }, title)));
document.getElementById('sign-out').addEventListener('click', () => signIn());
addEventListener('hashchange', () => { if (location.hash.startsWith('#/')) draw(); });

if (session.restore()) begin().catch((problem) => signIn(problem.code === 'unauthorized' ? null : problem));
else signIn();

// Publications under way, bundles, tokens, and the audit log.

import { call, explain, get, list } from './api.js';
import { confirm, reveal } from './dialog.js';
import { badge, bytes, count, daysUntil, el, table, time } from './dom.js';

/** Versions whose bundles are shown: the newest. */
const NEWEST = 5;

/** Entries of the audit log that are read at once. */
const ENTRIES = 50;

const adminOnly = (what) => [el('p', { class: 'notice' }, `${what} needs a token with the scope admin.`)];

export async function publications({ me }) {
  const all = me.scopes.some((scope) => scope === 'admin' || scope === 'publish:*');
  const paths = all ? ['/publications'] : me.scopes.map((scope) => `/publications?mode=${scope.replace('publish:', '')}`);
  const found = (await Promise.all(paths.map((path) => list(path)))).flat();
  const row = (it) => [it.mode, el('b', {}, it.version), it.platform, it.received.join(', ') || 'none yet', time(it.expires_at)];
  return [el('section', { class: 'card' }, el('h2', {}, 'Under way'),
    table('Publications under way', ['Mode', 'Version', 'Platform', 'Documents sent', 'Kept until'], found.map(row), 'Nobody is publishing.')),
  el('p', { class: 'muted' }, 'A publication appears here when it begins, and disappears when its version is published or its time is over.')];
}

export async function bundles({ isAdmin, rest }) {
  const modes = await list('/modes');
  const mode = modes.find(({ name }) => name === rest[0]) ?? modes.find(({ name }) => name === 'stable') ?? modes[0];
  if (!mode) return [el('p', {}, 'There is no mode yet.')];
  const [{ items }, demand] = await Promise.all([get(`/versions?mode=${mode.name}&state=published&limit=${NEWEST}`),
    isAdmin ? get('/demand') : null]);
  const built = await Promise.all(items.map(async (version) => [version, (await get(`/versions/${version.id}/bundles`)).items]));
  const row = (version, it) => [el('b', {}, version.version), it.from_version ?? (it.from_index ? 'a version that is gone' : 'nothing: first installs'),
    it.platform, bytes(it.size), it.effort, time(it.created_at)];
  const choose = el('select', { id: 'mode', onchange: () => { location.hash = `#/bundles/${choose.value}`; } },
    modes.map(({ name }) => el('option', { value: name, selected: name === mode.name }, name)));
  const rows = built.flatMap(([version, found]) => found.map((it) => row(version, it)));
  return [
    el('div', { class: 'choose' }, el('label', { for: 'mode' }, 'Mode'), choose),
    el('section', { class: 'card' }, el('h2', {}, `Built for the newest versions of ${mode.name}`),
      table('Bundles', ['To', 'From', 'Platform', ['Size', 'number'], 'Effort', 'Built'], rows, 'None is built yet.')),
    demand && wanted(demand.items.filter((it) => it.mode === mode.name)),
  ].filter(Boolean);
}

function wanted(demand) {
  const row = (it) => [it.from_version ?? 'a version that is gone', el('b', {}, it.to_version), it.platform, it.count.toLocaleString('en'),
    it.bundle_size === null ? badge('warn', 'no bundle') : bytes(it.bundle_size)];
  return el('section', { class: 'card' }, el('h2', {}, 'Who comes from where'),
    el('p', { class: 'muted' }, 'Updates in the last 30 days, as far as their requests reached this server and not only a CDN.'),
    table('Demand', ['From', 'To', 'Platform', ['Clients', 'number'], ['Bundle', 'number']], demand.map(row), 'Nobody has asked yet.'));
}

export async function tokens({ isAdmin, me, redraw }) {
  if (!isAdmin) return adminOnly('The list of tokens');
  const [all, modes] = await Promise.all([list('/tokens', 1000), list('/modes')]);
  const order = (token) => (isOver(token) ? 1 : 0);
  all.sort((a, b) => order(a) - order(b) || b.created_at.localeCompare(a.created_at));
  const row = (token) => [el('span', {}, token.name || 'without a name', token.id === me.id && el('small', {}, ' (this one)') || null),
    el('span', { class: 'mono' }, token.scopes.join(' ')), ends(token), time(token.last_used_at), revoke(token, me, redraw)];
  return [creation(modes, redraw),
    el('section', { class: 'card' }, el('h2', {}, 'Tokens'),
      table('Tokens', ['Name', 'Scopes', 'Ends', 'Last used', 'Revoke'], all.map(row)))];
}

const isOver = (token) => Boolean(token.revoked_at) || (token.expires_at && new Date(token.expires_at) <= Date.now());

function ends(token) {
  if (token.revoked_at) return badge('muted', 'revoked');
  if (!token.expires_at) return badge('warn', 'never');
  const days = daysUntil(token.expires_at);
  return days < 0 ? badge('muted', 'over') : badge(days < 7 ? 'warn' : 'good', `in ${count(days, 'day')}`);
}

function revoke(token, me, redraw) {
  if (isOver(token)) return 'done';
  const name = token.name || token.id;
  const own = token.id === me.id ? 'This is the token that you have signed in with: you will be signed out.' : undefined;
  return el('button', { type: 'button', id: `t-${token.id}`, 'aria-label': `Revoke ${name}…`, onclick: async () => {
    const done = await confirm({ title: `Revoke the token ${name}?`, label: 'Revoke', text: own, done: `${name} is revoked.`,
      changes: [['Token', 'valid', 'revoked for ever']], run: () => call('DELETE', `/tokens/${token.id}`) });
    if (done) await redraw();
  } }, 'Revoke…');
}

function creation(modes, redraw) {
  const name = el('input', { id: 'new-name', required: true, maxlength: 200, autocomplete: 'off' });
  const days = el('input', { id: 'new-days', type: 'number', min: 1, max: 3650, value: 90, required: true });
  const scopes = ['publish:*', ...modes.map((mode) => `publish:${mode.name}`), 'admin'];
  const scope = el('select', { id: 'new-scope' }, scopes.map((text) => el('option', { value: text, selected: text === scopes[1] }, text)));
  const make = async (event) => {
    event.preventDefault();
    const body = { name: name.value, scopes: [scope.value], days: Number(days.value) };
    const answer = await confirm({ title: `Make the token ${body.name}?`, label: 'Make it', run: () => call('POST', '/tokens', { body }),
      text: scope.value === 'admin' ? 'Whoever has it can do everything.' : 'A version needs the signature of the mode’s key as well.',
      changes: [['Token', 'none', body.name], ['May', '', scope.value], ['Ends', '', `after ${count(body.days, 'day')}`]] });
    if (!answer) return;
    await reveal('Keep this token now', 'It is shown only this once.', answer.json.token);
    await redraw();
  };
  const field = (label, input) => el('div', { class: 'field' }, el('label', { for: input.id }, label), input);
  return el('form', { class: 'card', onsubmit: make }, el('h2', {}, 'New token'),
    el('div', { class: 'row fields' }, field('What it is for', name), field('May', scope), field('Days', days),
      el('button', { id: 'new-token' }, 'Make a token…')));
}

export async function audit({ isAdmin }) {
  if (!isAdmin) return adminOnly('The audit log');
  const known = new Map((await list('/tokens', 1000)).map((token) => [token.id, token.name]));
  const section = el('section', { class: 'card' });
  const more = el('button', { type: 'button', id: 'more' }, 'Show earlier entries');
  const problem = el('div');
  const row = (entry) => [time(entry.at), el('span', { title: entry.actor }, known.get(entry.actor) || entry.actor), entry.action,
    el('span', { class: 'mono' }, entry.subject),
    el('span', {}, detail(entry.detail), entry.request_id && el('small', { class: 'mono' }, ` ${entry.request_id}`))];
  const entries = [];
  let cursor = null;
  const read = async () => {
    const page = await get(`/audit?limit=${ENTRIES}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`);
    entries.push(...page.items);
    cursor = page.next;
    section.replaceChildren(table('Audit log', ['When', 'Who', 'Action', 'Subject', 'Detail and request'], entries.map(row), 'Nothing has been done yet.'));
    more.hidden = !cursor;
  };
  more.addEventListener('click', () => read().catch((failure) => problem.replaceChildren(explain(failure))));
  await read();
  return [section, more, problem];
}

/** The fields of a change that differ, or all there is. */
function detail(value) {
  if (!value || typeof value !== 'object') return '';
  const shown = (it) => (typeof it === 'string' ? it : JSON.stringify(it));
  if (value.before && value.after) {
    const changed = Object.keys(value.after).filter((key) => shown(value.before[key]) !== shown(value.after[key]));
    return changed.map((key) => `${key}: ${shown(value.before[key])} → ${shown(value.after[key])}`).join(', ');
  }
  return Object.entries(value).map(([key, it]) => `${key}: ${shown(it)}`).join(', ');
}

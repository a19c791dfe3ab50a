// The versions of a mode: what they are, and how they are offered. Every change is shown and asked about once.

import { call, explain, file, get, list } from './api.js';
import { confirm } from './dialog.js';
import { badge, bytes, el, time } from './dom.js';
import { asking, reported } from './reports.js';

/** Versions that are shown at first. */
const FEW = 20;

export async function versions({ isAdmin, rest, redraw }) {
  const modes = await list('/modes');
  if (modes.length === 0) return [el('p', {}, 'There is no mode yet. The first publication makes one.')];
  const mode = modes.find(({ name }) => name === rest[0]) ?? modes.find(({ name }) => name === 'stable') ?? modes[0];
  const most = rest[1] === 'all' ? 1000 : FEW;
  const [status, reports, found] = await Promise.all([isAdmin ? get('/status') : null, isAdmin ? get('/reports') : { items: [] },
    most === FEW ? get(`/versions?mode=${mode.name}&limit=${FEW}`) : list(`/versions?mode=${mode.name}`, most).then((items) => ({ items }))]);
  const reason = whyNot(isAdmin, status);
  const choose = el('select', { id: 'mode', onchange: () => { location.hash = `#/versions/${choose.value}`; } },
    modes.map(({ name }) => el('option', { value: name, selected: name === mode.name }, name)));
  return [
    el('div', { class: 'choose' }, el('label', { for: 'mode' }, 'Mode'), choose),
    reason && el('p', { class: 'notice warn' }, reason),
    about(mode, reason, redraw),
    ...found.items.map((version) => card(version, mode, reports.items, reason, redraw)),
    found.items.length === 0 && el('p', { class: 'muted' }, 'No version has been published to it.'),
    found.next && el('p', {}, el('a', { href: `#/versions/${mode.name}/all` }, 'Show older versions')),
  ].filter(Boolean);
}

/** Why nothing can be changed, or null. */
function whyNot(isAdmin, status) {
  if (!isAdmin) return 'Nothing can be changed with this token: it lacks the scope admin.';
  return status.unfit_code && `Nothing can be changed: this server cannot sign. ${status.unfit_detail} (${status.unfit_code})`;
}

/** Reads something again, and confirms a change of exactly that state. */
async function change(path, ask) {
  const { json, etag } = await call('GET', path);
  const { body, ...dialog } = ask(json);
  return confirm({ ...dialog, signs: true, label: 'Sign and publish', run: () => call('PATCH', path, { body, etag }) });
}

/** A button for a change; afterwards everything is drawn again. */
function changer(id, text, reason, redraw, make) {
  const problem = el('div');
  const button = el('button', { type: 'button', id, disabled: Boolean(reason), onclick: async () => {
    problem.replaceChildren();
    try {
      if (await make()) await redraw();
    } catch (failure) {
      problem.replaceChildren(explain(failure));
    }
  } }, text);
  return [button, problem];
}

function about(mode, reason, redraw) {
  const path = `/modes/${mode.name}`;
  const [button, problem] = mode.is_active
    ? changer('retire', 'End this mode…', reason, redraw, () => change(path, () => ({
      title: `End the mode ${mode.name}?`, body: { is_active: false }, done: `${mode.name} has ended.`,
      text: 'Its players keep what they have and get no updates. It can be opened again.', changes: [['Mode', 'active', 'ended']] })))
    : changer('retire', 'Open this mode again…', reason, redraw, () => change(path, () => ({
      title: `Open the mode ${mode.name} again?`, body: { is_active: true }, done: `${mode.name} is active again.`,
      changes: [['Mode', 'ended', 'active']] })));
  const { text, button: label, ask } = asking(mode);
  const [toggle, trouble] = changer('reports', label, reason, redraw, () => change(path, ask));
  return el('section', { class: 'card' },
    el('div', { class: 'spread' }, el('h2', {}, `Mode ${mode.name}`), badge(mode.is_active ? 'good' : 'warn', mode.is_active ? 'active' : 'ended')),
    mode.description && el('p', {}, mode.description),
    mode.update_to && el('p', {}, `Its players get the versions of ${mode.update_to}.`),
    el('p', {}, text),
    el('div', { class: 'row' }, button, toggle, el('button', { type: 'button', disabled: true, 'aria-describedby': 'move-why' }, 'Move its players…')),
    el('p', {}, el('small', { id: 'move-why' }, 'Moving players needs the mode’s key, which this server does not have: ',
      el('code', {}, `vsekai repository retire --server ${location.origin} --mode ${mode.name} --update-to MODE --keys KEYS`))),
    problem, trouble);
}

function card(version, mode, reports, reason, redraw) {
  const path = `/versions/${version.id}`;
  const name = version.version;
  const gone = version.state !== 'published';
  const key = `v-${version.id}`;
  const changed = (id, text, ask) => changer(`${key}-${id}`, text, reason, redraw, () => change(path, ask));
  const recall = changed('recall', version.recalled ? 'Offer again…' : 'Recall…', (now) => (now.recalled
    ? { title: `Offer ${mode.name} ${name} again?`, body: { recalled: false }, done: `${name} is offered again.`,
      changes: [['Recalled', 'yes', 'no']] }
    : { title: `Recall ${mode.name} ${name}?`, body: { recalled: true }, done: `${name} is recalled.`,
      changes: [['Recalled', 'no', 'yes']],
      text: 'It is not offered any more, and players who have it are moved to the best version that remains.' }));
  const skip = changed('skip', version.skip_update ? 'Offer as an update…' : 'Offer by name only…', (now) => (now.skip_update
    ? { title: `Offer ${mode.name} ${name} as an update?`, body: { skip_update: false }, done: `${name} is an update.`,
      changes: [['Offered', 'by name only', 'as an update']] }
    : { title: `Offer ${mode.name} ${name} by name only?`, body: { skip_update: true }, done: `${name} is offered by name only.`,
      changes: [['Offered', 'as an update', 'by name only']],
      text: 'Players who have it keep it. Nobody else is moved to it.' }));
  return el('section', { class: 'card', 'aria-labelledby': key },
    el('div', { class: 'spread' }, el('h3', { id: key }, name),
      el('div', { class: 'row' }, state(version), el('small', {}, 'published ', time(version.published_at)))),
    gone && el('p', { class: 'muted' }, 'Its files are gone: the publisher keeps only newer versions on offer.'),
    !gone && rollout(version, mode, reason, redraw),
    !gone && reported(reports, version),
    el('div', { class: 'row' }, recall[0], !gone && skip[0]), recall[1], !gone && skip[1],
    !gone && notes(version));
}

function state(version) {
  if (version.recalled) return badge('bad', 'recalled');
  if (version.state !== 'published') return badge('muted', 'withdrawn');
  if (version.skip_update) return badge('warn', 'by name only');
  return version.rollout === 100 ? badge('good', 'offered to everybody') : badge('warn', `offered to ${version.rollout} %`);
}

function rollout(version, mode, reason, redraw) {
  const key = `v-${version.id}-rollout`;
  const shown = el('output', { for: key }, `${version.rollout} %`);
  const slider = el('input', { type: 'range', id: key, min: 0, max: 100, value: version.rollout, disabled: Boolean(reason),
    oninput: () => { shown.textContent = `${slider.value} %`; button.disabled = Number(slider.value) === version.rollout; } });
  const [button, problem] = changer(`${key}-set`, 'Change rollout…', reason, redraw, () => {
    const then = Number(slider.value);
    return change(`/versions/${version.id}`, (now) => ({ title: `Change the rollout of ${mode.name} ${version.version}?`,
      body: { rollout: then }, done: `${version.version} is offered to ${then} %.`, changes: [['Offered to', `${now.rollout} %`, `${then} %`]],
      text: then < now.rollout ? 'Players who have it already keep it.' : undefined }));
  });
  button.disabled = true;
  return el('div', {}, el('div', { class: 'row' }, el('label', { for: key }, 'Rollout'), slider, shown, button), problem);
}

/** Notes and files, which are read when somebody opens them. */
function notes(version) {
  const inside = el('div', {}, el('p', { class: 'muted' }, 'Reading…'));
  const details = el('details', {}, el('summary', {}, 'Notes and files'), inside);
  details.addEventListener('toggle', async () => {
    if (!details.open || details.dataset.read) return;
    details.dataset.read = 'yes';
    try {
      inside.replaceChildren(...await described(version));
    } catch (problem) {
      delete details.dataset.read;
      inside.replaceChildren(explain(problem));
    }
  });
  return details;
}

async function described(version) {
  const { files } = await get(`/versions/${version.id}/manifest`);
  if (files.length === 0) return [el('p', { class: 'muted' }, 'No files are left.')];
  const releases = files.filter(({ file_name }) => file_name === 'release.json');
  const read = await Promise.all(releases.map(async ({ platform, file_uri }) => [platform, await file(file_uri)]));
  // Usually all platforms have the same notes: each text once.
  const texts = new Map();
  for (const [platform, release] of read) {
    const text = release.notes?.trim() || 'No notes.';
    texts.set(text, [...(texts.get(text) ?? []), platform]);
  }
  const size = (platform) => files.filter((it) => it.platform === platform).reduce((sum, it) => sum + it.size, 0);
  return [...[...texts].flatMap(([text, platforms]) => [el('h4', {}, platforms.join(', ')), el('div', { class: 'notes' }, text)]),
    el('p', {}, el('small', {}, `Signed documents: ${releases.map(({ platform }) => `${platform} ${bytes(size(platform))}`).join(', ')}`))];
}

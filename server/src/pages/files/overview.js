// What players are offered, and how the server is.

import { get, list } from './api.js';
import { badge, bytes, count, daysUntil, el, facts, table, time } from './dom.js';
import { halted } from './reports.js';

/** Below so many days, a signature is a matter for somebody: for its holder in the last third of 365 days. The server renews its own
 *  after half of seven days. */
const SOON = { here: 2, holder: 122 };

export async function overview({ isAdmin }) {
  const [offers, modes, cdns, status, reports] = await Promise.all([get('/offers'), list('/modes'), list('/cdns'),
    isAdmin ? get('/status') : null, isAdmin ? get('/reports') : null]);
  return [
    !isAdmin && el('p', { class: 'notice' },
      'This token may publish, and read what everybody may read. Changes and the state of the server need the scope admin.'),
    ...halted(reports?.items ?? []),
    ...warnings(status),
    el('section', { class: 'card' }, el('h2', {}, 'On offer'), onOffer(offers.items, modes)),
    status && el('div', { class: 'two' },
      el('section', { class: 'card' }, el('h2', {}, 'Signatures'), roles(status.roles)),
      el('section', { class: 'card' }, el('h2', {}, 'Server'), server(status))),
    el('section', { class: 'card' }, el('h2', {}, 'CDNs'), health(cdns)),
  ].filter(Boolean);
}

function onOffer(offers, modes) {
  const rows = offers.map((offer) => [
    el('a', { href: `#/versions/${offer.mode}` }, offer.mode), offer.platform, el('b', {}, offer.version),
    offer.rollout === 100 ? 'everybody' : `${offer.rollout} %${offer.version_for_others ? `, others ${offer.version_for_others}` : ''}`,
    time(offer.published_at)]);
  const none = modes.filter((mode) => !offers.some((offer) => offer.mode === mode.name));
  const says = (mode) => (mode.is_active ? `${mode.name} offers nothing` : `${mode.name} has ended`);
  return [table('What is offered', ['Mode', 'Platform', 'Version', 'Offered to', 'Published'], rows, 'Nothing is offered yet.'),
    none.length > 0 && rows.length > 0 && el('p', { class: 'muted' }, `${none.map(says).join('; ')}.`)].filter(Boolean);
}

function warnings(status) {
  const found = [];
  if (!status) return found;
  const say = (kind, what, help) => found.push(el('div', { class: `notice ${kind}` }, el('p', {}, el('b', {}, what)), el('p', {}, help)));
  if (status.unfit_code) say('bad', `This server cannot sign: ${status.unfit_detail}`, `Nothing can be changed until that is mended. Code: ${status.unfit_code}`);
  const { chunks: { lost }, disk_free_bytes: free } = status;
  if (lost > 0) say('bad', `${count(lost, 'chunk')} lost their bytes.`, 'Run vsekai-server verify --repair with a copy of the store.');
  if (free !== null && free < 1024 ** 3) say('warn', `Only ${bytes(free)} are free on the disk.`, 'Make room before the next publication.');
  for (const role of status.roles.filter(isDue)) {
    say(daysUntil(role.expires_at) < 3 ? 'bad' : 'warn', `The signature of ${role.name} ends in ${count(daysUntil(role.expires_at), 'day')}.`, renewal(role));
  }
  return found;
}

const isDue = (role) => daysUntil(role.expires_at) < (role.is_renewed_here ? SOON.here : SOON.holder);

function renewal(role) {
  if (role.is_renewed_here) return 'The server should have renewed it: look into its log.';
  if (role.name === 'root') return 'Its holders run vsekai keys renew-root KEYS, then vsekai keys push KEYS --server ADDRESS.';
  if (role.name === 'targets') return 'The holder of its key runs vsekai keys push KEYS --server ADDRESS, which signs it again.';
  return `The holder of its key runs vsekai keys renew KEYS ${role.name} --server ADDRESS. This server does not have that key.`;
}

function roles(all) {
  const row = (role) => {
    const days = daysUntil(role.expires_at);
    const kind = days < 3 && isDue(role) ? 'bad' : isDue(role) ? 'warn' : 'good';
    return [role.name, role.is_renewed_here ? 'this server' : 'its holder', badge(kind, count(days, 'day')), time(role.expires_at)];
  };
  return table('Signatures', ['Role', 'Renewed by', ['Left', 'number'], 'Ends'], all.map(row), 'The repository has not begun.');
}

function server(status) {
  const { chunks } = status;
  const places = { database: 'in the database', folder: 'in a folder', bucket: 'in a bucket' };
  return facts([
    ['Version', status.server_version],
    ['Region', status.region || 'none'],
    ['Chunks', `${count(chunks.live, 'chunk')}, ${bytes(chunks.live_bytes)}, ${places[status.chunks_are_in] ?? status.chunks_are_in}`],
    ['To be removed', count(chunks.doomed + chunks.deleting, 'chunk')],
    ['Lost', chunks.lost === 0 ? 'none' : badge('bad', count(chunks.lost, 'chunk'))],
    ['Bundles', `${count(status.bundles, 'bundle')}, ${bytes(status.bundle_bytes)}`],
    ['Disk', status.disk_free_bytes === null ? 'not known' : `${bytes(status.disk_free_bytes)} free`],
    ['Last clean-up', time(status.last_cleanup_at, 'none since this server started')],
  ]);
}

function health(cdns) {
  const row = (cdn) => [cdn.name, el('span', { class: 'mono' }, cdn.uri), cdn.region || 'none',
    !cdn.is_enabled ? badge('muted', 'off') : cdn.is_healthy ? badge('good', 'healthy') : badge('bad', 'ill'),
    cdn.latency_ms === null ? 'not known' : `${cdn.latency_ms} ms`, time(cdn.last_checked_on)];
  return table('CDNs', ['Name', 'Address', 'Region', 'Health', ['Latency', 'number'], 'Last probe'], cdns.map(row), 'There are none.');
}

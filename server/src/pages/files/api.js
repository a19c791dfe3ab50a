// Calls the documented API with the token of whoever has signed in. The token is in the memory of this page and, if
// wanted, in the tab's session storage: never in a cookie, an address or the page itself.

import { el } from './dom.js';

const KEY = 'vsekai.token';

let token = '';

/** What to do about a problem, by its code. Others have their explanation behind the link. */
const HELP = {
  unauthorized: 'Sign in again: the token may have ended or been revoked.',
  forbidden: 'Use a token with the scope that the message names.',
  precondition_failed: 'Close this, look at what has changed, and decide again.',
  keys_missing: 'Put the keys back into the server’s keys folder, and start it again.',
  clock_wrong: 'Set the clock of the server right. If it is right and another was ahead, set trust_clock.',
  disk_full: 'Make room on the server’s disk. Everything goes on by itself then.',
  database_busy: 'Try again in a moment. If that lasts, look at the database.',
  repository_not_begun: 'Publish once with an admin token: that begins the repository.',
  shutting_down: 'The server is stopping. Try again when it is back.',
  too_many_requests: 'Wait a minute, then try again.',
  successor_not_signed: 'Run vsekai repository retire --server, which signs and sends it.',
  not_found: 'It is gone. Refresh the page.',
  invalid: 'Correct what the message names.',
  internal: 'Look into the server’s log for the request identifier.',
  unreachable: 'Check that the server runs and that this machine reaches it, then try again.',
};

/** A failure of a call. */
export class Problem extends Error {
  constructor(code, detail, more = {}) {
    super(detail);
    Object.assign(this, { code, detail, ...more });
  }
}

export const session = {
  /** Whether somebody has signed in, perhaps before a reload. */
  restore() {
    token = sessionStorage.getItem(KEY) ?? '';
    return token !== '';
  },
  begin(text, keep) {
    token = text;
    if (keep) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  },
  end() {
    token = '';
    sessionStorage.removeItem(KEY);
  },
};

/** Calls an operation. Returns its JSON and its ETag. */
export async function call(method, path, { body, etag } = {}) {
  const headers = { Authorization: `Bearer ${token}` };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (etag) headers['If-Match'] = etag;
  const sent = { method, headers, cache: 'no-store', credentials: 'omit', body: body && JSON.stringify(body) };
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, sent);
  } catch {
    throw new Problem('unreachable', 'The server does not answer.');
  }
  const text = await answer.text();
  let json = null;
  try {
    json = text === '' ? null : JSON.parse(text);
  } catch {
    throw new Problem('unreachable', `Something else than the server has answered (${answer.status}).`);
  }
  if (answer.ok) return { json, etag: answer.headers.get('etag') };
  const request = answer.headers.get('x-request-id');
  throw new Problem(json?.code ?? 'internal', json?.detail ?? 'The server failed.', { type: json?.type, request });
}

export const get = async (path) => (await call('GET', path)).json;

/** The entries of a list, page by page, and at most so many. */
export async function list(path, most = 500) {
  const items = [];
  let cursor = null;
  do {
    const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
    const page = await get(`${path}${path.includes('?') ? '&' : '?'}limit=100${more}`);
    items.push(...page.items);
    cursor = page.next;
  } while (cursor && items.length < most);
  return items;
}

/** A signed file of the repository, as JSON. */
export async function file(path) {
  const answer = await fetch(`/${path}`, { cache: 'no-cache', credentials: 'omit' }).catch(() => null);
  if (!answer?.ok) throw new Problem('not_found', `${path} cannot be read.`);
  return answer.json();
}

/** A problem as people read it: what happened, what to do, and the code. */
export function explain(problem) {
  const known = problem instanceof Problem ? problem : new Problem('internal', String(problem?.message ?? problem));
  const help = HELP[known.code] ?? 'Follow the link of the code.';
  const code = known.type?.startsWith('https://')
    ? el('a', { href: known.type, rel: 'noreferrer' }, known.code) : el('code', {}, known.code);
  return el('div', { class: 'notice bad', role: 'alert' },
    el('p', {}, el('b', {}, known.detail)), el('p', {}, help),
    el('p', {}, el('small', {}, 'Code: ', code, known.request ? ` · request ${known.request}` : null)));
}

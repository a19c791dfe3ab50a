// What players report about versions that are being rolled out, and the rollouts that this has stopped.

import { badge, count, el, time } from './dom.js';

/** The limit that a mode gets here; `vsekai repository reports` sets others. */
const USUAL = { minimum: 50, percent: 5 };

/** Says of each rollout that was stopped why, for the top of the overview. */
export function halted(reports) {
  return stopped(reports).map((it) => el('div', { class: 'notice bad' },
    el('p', {}, el('b', {}, `The rollout of ${it.mode} ${it.version} was stopped.`)),
    el('p', {}, `${it.halted_because}. Recall the version, or raise its rollout again.`)));
}

/** Only what still waits for somebody: one that goes on has no reason any more. */
const stopped = (reports) => reports.filter((it) => it.halted_because && it.rollout === 0);

/** What was reported about a version, and why it was stopped. */
export function reported(reports, version) {
  const found = reports.filter((it) => it.version_id === version.id);
  if (found.length === 0) return null;
  const said = (it) => (it.failed_percent === null ? `${it.platform}: fewer than 10 reports`
    : `${it.platform}: about ${count(it.reports, 'report')}, ${it.failed_percent} % did not start`);
  const because = stopped(found).map((it) => el('p', {}, badge('bad', 'stopped'), ' ', time(it.halted_at), `: ${it.halted_because}.`));
  return el('div', {}, because, el('p', {}, el('small', {}, `Players reported: ${found.map(said).join('; ')}.`)));
}

/** Whether a mode asks, as text, and what changes that: what `confirm` is to show. */
export function asking(mode) {
  if (mode.reports) {
    const { minimum, percent } = mode.reports;
    return { text: `Players who agree report whether new versions start. More than ${percent} % failures among at least ${minimum} stop a rollout.`,
      button: 'Ask for no reports…',
      ask: () => ({ title: `Ask the players of ${mode.name} for no reports?`, body: { reports: null }, done: `${mode.name} asks for no reports.`,
        changes: [['Reports', 'asked for', 'not asked for']], text: 'Then no rollout stops by itself.' }) };
  }
  return { text: 'Players are not asked whether new versions start, so no rollout stops by itself.', button: 'Ask for reports…',
    ask: () => ({ title: `Ask the players of ${mode.name} for reports?`, body: { reports: USUAL }, done: `${mode.name} asks for reports.`,
      changes: [['Reports', 'not asked for', 'asked for']],
      text: `Players who agree report whether a version that is being rolled out starts, without saying who they are. More than ${USUAL.percent} % failures among at least ${USUAL.minimum} stop a rollout.` }) };
}

#!/usr/bin/env node
// The server's pages in a real Chromium: the front page and /admin, by keys and by clicks, wide and narrow, light and dark.
//
//     tests/e2e/pages.mjs [FOLDER]    FOLDER gets the screenshots
//
// Needs the folder of tests/tools/browser.sh in VSEKAI_BROWSER, and `vsekai` and `vsekai-server` in VSEKAI_BIN. Starts a
// server of its own, publishes to it with `vsekai`, and looks at everything that the pages change with the API.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const required = createRequire(`${process.env.VSEKAI_BROWSER}/`);
const { chromium } = required('playwright-core');
const axe = readFileSync(required.resolve('axe-core/axe.min.js'), 'utf8');
const bin = process.env.VSEKAI_BIN;
const pictures = process.argv[2] && resolve(process.argv[2]);
const work = mkdtempSync(join(tmpdir(), 'pages-'));
const SIZES = { wide: { width: 1280, height: 800 }, narrow: { width: 390, height: 844 } };
const SECTIONS = ['overview', 'versions', 'publications', 'bundles', 'tokens', 'audit'];

/** A server with versions, a publication under way, a CDN and a token for one mode. */
class World {
  async start() {
    const settings = ['publisher=Example Games & Friends', 'allow_private_cdns=true', 'probe_every_s=1', 'bundle_effort=fast',
      'reports_every_s=1', 'trusted_proxies=127.0.0.1'];
    this.process = spawn(join(bin, 'vsekai-server'), ['serve', '--data', join(work, 'data'), '--listen', '127.0.0.1:0',
      ...settings.flatMap((setting) => ['--set', setting])], { stdio: ['ignore', 'pipe', 'ignore'] });
    const said = await new Promise((done, fail) => {
      let text = '';
      this.process.stdout.on('data', (piece) => {
        text += piece;
        if (text.includes('Admin token in ') && text.endsWith('\n')) done(text);
      });
      this.process.on('exit', () => fail(new Error(`the server ended: ${text}`)));
    });
    this.url = said.match(/Listening at (.*)/)[1];
    this.token = readFileSync(said.match(/Admin token in (.*)/)[1], 'utf8').trim();
    return this;
  }

  vsekai(...args) {
    const env = { HOME: work, PATH: process.env.PATH, VSEKAI_TOKEN: this.token, NO_PROXY: '*' };
    return execFileSync(join(bin, 'vsekai'), args, { cwd: work, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  async api(method, path, body, token = this.token) {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const answer = await fetch(`${this.url}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    assert(answer.ok, `${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  publish(mode, version, platform, notes) {
    const tree = join(work, 'tree');
    mkdirSync(tree, { recursive: true });
    writeFileSync(join(tree, 'game'), `#!/bin/sh\necho ${version} ${platform}\n`);
    writeFileSync(join(tree, 'data.pck'), Buffer.alloc(300_000, (at) => (at * 7919) >> 3).fill(version, 0, 2000));
    chmodSync(join(tree, 'game'), 0o755);
    writeFileSync(join(work, 'notes'), notes);
    this.vsekai('publish', 'tree', '--mode', mode, '--version', version, '--platform', platform, '--entry', 'game',
      '--notes', 'notes', '--server', this.url, '--keys', 'keys');
  }

  async fill() {
    this.vsekai('keys', 'init', 'keys', '--mode', 'stable', '--mode', 'beta', '--online', this.url);
    for (const platform of ['linux-x86_64', 'linux-aarch64']) this.publish('stable', '1.0.0', platform, 'The first version.');
    this.publish('stable', '1.1.0', 'linux-x86_64', 'Faster, and with <b>new</b> worlds.\n\n- a garden\n- a lake');
    this.publish('beta', '2.0.0-beta.1', 'linux-x86_64', 'Try it.');
    await this.api('PATCH', '/modes/beta', { description: 'What comes next, for <em>the curious</em>.' });
    await this.api('POST', '/cdns', { name: 'edge-eu', uri: this.url, region: 'eu' });
    await this.api('POST', '/publications',
      { id: '6f0c1f6e-4b1d-4a52-9d0a-2f4f5b9f8a11', mode: 'stable', version: '1.2.0', platform: 'linux-x86_64' });
    this.nightly = await this.api('POST', '/tokens', { name: 'nightly builds', scopes: ['publish:beta'], days: 5 });
  }

  async version(number) {
    return (await this.api('GET', `/versions?version=${number}`)).items[0];
  }

  stop() {
    this.process.removeAllListeners('exit');
    this.process.kill();
  }
}

/** A tab, which fails the test if the page logs an error, or loads something from elsewhere. */
async function tab(browser, world, { size = 'wide', scheme = 'light' } = {}) {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme: scheme });
  const page = await context.newPage();
  page.trouble = [];
  page.on('pageerror', (error) => page.trouble.push(String(error)));
  page.on('console', (message) => { if (message.type() === 'error') page.trouble.push(message.text()); });
  page.on('request', (request) => {
    if (!request.url().startsWith(world.url)) page.trouble.push(`it loads ${request.url()}`);
  });
  page.setDefaultTimeout(15_000);
  return page;
}

async function signIn(page, world, token = world.token) {
  await page.goto(`${world.url}/admin`);
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
}

/** No finding of axe, nothing wider than the window, and a picture. */
async function look(page, name) {
  // The policy of the page forbids scripts from elsewhere: this one comes by the debugger.
  await page.evaluate(`${axe}; undefined`);
  const found = await page.evaluate(() => axe.run(document, { resultTypes: ['violations'] }));
  const told = found.violations.map((it) => `${it.id}: ${it.nodes.map((node) => `${node.html} ${node.failureSummary}`).join('\n  ')}`);
  assert.deepEqual(told, [], name);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert(wide <= 0, `${name} is ${wide} px wider than the window`);
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  assert.deepEqual(page.trouble, [], name);
}

const tests = {
  async 'the front page says what is offered, and its commands work'(browser, world) {
    const page = await tab(browser, world);
    await page.goto(world.url);
    await page.getByRole('heading', { level: 1, name: 'Example Games & Friends', exact: true }).waitFor();
    const stable = page.getByRole('table', { name: 'stable' });
    assert.match(await stable.textContent(), /linux-aarch64.*1\.0\.0.*linux-x86_64.*1\.1\.0/s);
    assert.match(await page.locator('main').textContent(), /for <em>the curious<\/em>/);
    const [root, install] = await page.locator('.steps pre').allTextContents();
    execFileSync('sh', ['-ec', root], { cwd: work, env: { PATH: process.env.PATH, no_proxy: '*' } });
    assert.match(install, /^vsekai install GAME /);
    world.vsekai(...install.split(' ').slice(1), '--no-shared-cache');
    assert.match(readFileSync(join(work, 'GAME/current/game'), 'utf8'), /1\.1\.0/);
    await page.context().close();
  },

  async 'both pages look right at every size and in both schemes'(browser, world) {
    for (const scheme of ['light', 'dark']) {
      for (const size of Object.keys(SIZES)) {
        const page = await tab(browser, world, { size, scheme });
        await page.goto(world.url);
        await look(page, `front_${size}_${scheme}`);
        await page.goto(`${world.url}/admin`);
        await page.getByLabel('Token').waitFor();
        await look(page, `admin_sign_in_${size}_${scheme}`);
        await signIn(page, world);
        for (const name of SECTIONS) {
          await page.goto(`${world.url}/admin#/${name}`);
          await page.locator(`nav a[data-name=${name}][aria-current]`).waitFor();
          await page.locator('main:not([aria-busy])').waitFor();
          if (name === 'versions') {
            await page.locator('summary').first().click();
            await page.getByText('Faster, and with').waitFor();
          }
          await look(page, `admin_${name}_${size}_${scheme}`);
        }
        await page.goto(`${world.url}/admin#/versions`);
        await page.getByRole('button', { name: 'Recall…' }).first().click();
        await page.getByRole('dialog').waitFor();
        await look(page, `admin_dialog_${size}_${scheme}`);
        await page.context().close();
      }
    }
  },

  async 'a rollout and a recall by keys alone'(browser, world) {
    const page = await tab(browser, world);
    await page.goto(`${world.url}/admin`);
    await page.getByLabel('Token').waitFor();
    await page.keyboard.type(world.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    const reach = async (what, most = 60) => {
      for (let at = 0; at < most; at += 1) {
        await page.keyboard.press('Tab');
        if (await what.evaluate((it) => it === document.activeElement).catch(() => false)) return;
      }
      throw new Error(`not reached by ${most} tabs: ${what}`);
    };
    // From the top of the page: the heading has the focus.
    await page.evaluate(() => document.activeElement.blur());
    await reach(page.getByRole('link', { name: 'Versions' }));
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Versions' }).waitFor();
    const card = page.getByRole('region', { name: '1.1.0' });
    await reach(card.getByRole('slider'));
    await page.keyboard.press('Home');
    for (let at = 0; at < 25; at += 1) await page.keyboard.press('ArrowRight');
    await reach(card.getByRole('button', { name: 'Change rollout…' }), 1);
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Change the rollout of stable 1.1.0?' });
    await dialog.waitFor();
    assert.match(await dialog.textContent(), /100 %.*25 %.*snapshot \d+ .*timestamp \d+ /s);
    assert.equal((await world.version('1.1.0')).rollout, 100, 'nothing is changed before it is confirmed');
    await reach(dialog.getByRole('button', { name: 'Sign and publish' }), 3);
    await page.keyboard.press('Enter');
    await card.getByText('offered to 25 %').waitFor();
    assert.equal((await world.version('1.1.0')).rollout, 25);
    await reach(card.getByRole('button', { name: 'Recall…' }));
    await page.keyboard.press('Enter');
    await page.getByRole('dialog', { name: 'Recall stable 1.1.0?' }).waitFor();
    await page.keyboard.press('Escape');
    assert.equal((await world.version('1.1.0')).recalled, false);
    // The focus is back where it was.
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    await reach(page.getByRole('button', { name: 'Sign and publish' }), 3);
    await page.keyboard.press('Enter');
    await card.getByText('recalled', { exact: true }).waitFor();
    assert.equal((await world.version('1.1.0')).recalled, true);
    const offer = (await world.api('GET', '/offers')).items.find((it) => it.mode === 'stable' && it.platform === 'linux-x86_64');
    assert.equal(offer.version, '1.0.0');
    assert.deepEqual(page.trouble, []);
    await page.context().close();
  },

  async 'a mode asks for reports, and a rollout that they stop is explained'(browser, world) {
    const page = await tab(browser, world);
    const main = page.locator('main');
    await signIn(page, world);
    await page.goto(`${world.url}/admin#/versions/beta`);
    await page.getByRole('button', { name: 'Ask for reports…' }).click();
    await page.getByRole('button', { name: 'Sign and publish' }).click();
    await main.getByText('More than 5 % failures among at least 50 stop a rollout.').waitFor();
    assert.deepEqual((await world.api('GET', '/modes/beta')).reports, { minimum: 50, percent: 5 });
    await world.api('PATCH', '/modes/beta', { reports: { minimum: 10, percent: 50 } });
    const { id } = await world.version('2.0.0-beta.1');
    await world.api('PATCH', `/versions/${id}`, { rollout: 40 });
    const body = JSON.stringify({ mode: 'beta', version: '2.0.0-beta.1', platform: 'linux-x86_64', outcome: 'failed' });
    for (let at = 1; at <= 12; at += 1) {
      const headers = { 'Content-Type': 'application/json', 'X-Forwarded-For': `203.0.113.${at}` };
      assert.equal((await fetch(`${world.url}/api/v1/reports`, { method: 'POST', headers, body })).status, 204);
    }
    for (let at = 0; (await world.version('2.0.0-beta.1')).rollout !== 0; at += 1) {
      assert(at < 100, 'it is not stopped');
      await new Promise((done) => setTimeout(done, 100));
    }
    await page.goto(`${world.url}/admin#/overview`);
    await main.getByText('The rollout of beta 2.0.0-beta.1 was stopped.').waitFor();
    assert.match(await main.textContent(), /100% of about 10 players on linux-x86_64 reported that it failed to start; the limit is 50%/);
    await look(page, 'admin_halted');
    await page.goto(`${world.url}/admin#/versions/beta`);
    await page.getByRole('region', { name: '2.0.0-beta.1' }).getByText('stopped', { exact: true }).waitFor();
    await look(page, 'admin_halted_version');
    await page.getByRole('button', { name: 'Ask for no reports…' }).click();
    await page.getByRole('button', { name: 'Sign and publish' }).click();
    await main.getByText('Players are not asked whether new versions start').waitFor();
    await page.context().close();
  },

  async 'a change that somebody else has made meanwhile is refused and explained'(browser, world) {
    const page = await tab(browser, world, { size: 'narrow' });
    await signIn(page, world);
    await page.goto(`${world.url}/admin#/versions/stable`);
    await page.getByRole('region', { name: '1.0.0' }).getByRole('button', { name: 'Offer by name only…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    await world.api('PATCH', `/versions/${(await world.version('1.0.0')).id}`, { rollout: 60 });
    await dialog.getByRole('button', { name: 'Sign and publish' }).click();
    await dialog.getByText('precondition_failed').waitFor();
    assert.match(await dialog.textContent(), /decide again/);
    assert.equal((await world.version('1.0.0')).skip_update, false);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByRole('region', { name: '1.0.0' }).getByText('offered to 60 %').waitFor();
    // Chromium itself logs the refusal.
    assert.equal(page.trouble.filter((text) => !text.includes('412')).length, 0, page.trouble.join());
    await page.context().close();
  },

  async 'a token is made, shown once, and revoked'(browser, world) {
    const page = await tab(browser, world, { size: 'narrow' });
    await signIn(page, world);
    await page.getByRole('link', { name: 'Tokens' }).click();
    await page.getByLabel('What it is for').fill('press');
    await page.getByLabel('May').selectOption('publish:beta');
    await page.getByRole('button', { name: 'Make a token…' }).click();
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByRole('dialog', { name: 'Keep this token now' }).waitFor();
    const secret = await page.getByLabel('The token').textContent();
    const own = await world.api('GET', '/token', undefined, secret);
    assert.deepEqual([own.name, own.scopes], ['press', ['publish:beta']]);
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByRole('button', { name: 'Revoke press…' }).click();
    assert(!(await page.content()).includes(secret), 'it is shown once');
    await page.getByRole('button', { name: 'Revoke', exact: true }).click();
    await page.getByText('press is revoked.').waitFor();
    await assert.rejects(world.api('GET', '/token', undefined, secret), /401/);
    await page.getByRole('link', { name: 'Audit log' }).click();
    await page.getByText('token.revoke').first().waitFor();
    assert.deepEqual(page.trouble, []);
    await page.context().close();
  },

  async 'a token of a publisher sees what it may, and can change nothing'(browser, world) {
    const page = await tab(browser, world);
    await signIn(page, world, world.nightly.token);
    await page.getByText('Changes and the state of the server need the scope admin').waitFor();
    await page.getByRole('link', { name: 'Versions' }).click();
    await page.getByText('it lacks the scope admin').waitFor();
    for (const button of await page.getByRole('button', { name: /…$/ }).all()) assert(await button.isDisabled());
    for (const name of ['Publications', 'Bundles', 'Tokens', 'Audit log']) {
      await page.getByRole('link', { name }).click();
      await page.getByRole('heading', { level: 1, name }).waitFor();
    }
    assert.deepEqual(page.trouble, []);
    await page.context().close();
  },

  async 'the token is in no cookie, address or page, and gone after signing out'(browser, world) {
    const page = await tab(browser, world);
    await page.goto(`${world.url}/admin`);
    await page.getByLabel('Token').fill('vsk_wrong');
    await page.keyboard.press('Enter');
    await page.getByText('The server does not know this token').waitFor();
    page.trouble.length = 0;
    await page.getByLabel('Token').fill(world.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    await page.reload();
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    assert.equal(await page.evaluate(() => localStorage.length), 0);
    assert(!page.url().includes('vsk_') && !(await page.content()).includes(world.token));
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('Token').waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.getByLabel('Stay signed in until this tab is closed').uncheck();
    await page.getByLabel('Token').fill(world.token);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Overview' }).waitFor();
    assert.equal(await page.evaluate(() => sessionStorage.length), 0);
    await page.reload();
    await page.getByLabel('Token').waitFor();
    assert.deepEqual(page.trouble, []);
    await page.context().close();
  },

  async 'a server that is gone is said to be, with what to do'(browser, world) {
    const page = await tab(browser, world);
    await signIn(page, world);
    world.stop();
    await new Promise((done) => world.process.once('close', done));
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('The server does not answer.').waitFor();
    assert.match(await page.locator('main').textContent(), /unreachable/);
    await page.context().close();
  },
};

const world = await new World().start();
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu',
  '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
let failed = 0;
try {
  if (pictures) mkdirSync(pictures, { recursive: true });
  await world.fill();
  for (const [name, test] of Object.entries(tests)) {
    const begin = Date.now();
    try {
      await test(browser, world);
      console.log(`ok      ${name} (${Date.now() - begin} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`FAILED  ${name}\n${error.stack ?? error}`);
    }
  }
} finally {
  await browser.close();
  world.stop();
  rmSync(work, { recursive: true, force: true });
}
console.log(failed === 0 ? 'all passed' : `${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

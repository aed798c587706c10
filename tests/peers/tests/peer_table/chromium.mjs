// A page that plays or publishes in Chromium, driven by Playwright.
//
//   node chromium.mjs TOOLS '{"page": "hls", "url": "...", "seconds": 5}'
//
// TOOLS is where scripts/setup.sh installs npm's packages. Told is what the page saw, as JSON: how
// many pictures it decoded, and when, in milliseconds of one clock, it showed a flash and sounded a
// beep. A publisher plays until it is killed.

import { createRequire } from 'node:module';
import { createServer } from 'node:http';
import { join } from 'node:path';

const [tools, told] = process.argv.slice(2);
const job = JSON.parse(told);
const { chromium } = createRequire(join(tools, 'node_modules', '_'))('playwright-core');
const here = new URL('.', import.meta.url).pathname;

const LIBRARIES = {
  'hls.js': join(tools, 'node_modules/hls.js/dist/hls.min.js'),
  'mpegts.js': join(tools, 'node_modules/mpegts.js/dist/mpegts.js'),
  'dash.js': join(tools, 'node_modules/dashjs/dist/modern/umd/dash.all.min.js'),
};

const page = '<!doctype html><meta charset="utf-8"><title>a page of another site</title>';

const site = createServer((_, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(page);
});
await new Promise((listening) => site.listen(0, '127.0.0.1', listening));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid() !== 0,
  args: [
    '--autoplay-policy=no-user-gesture-required',
    '--allow-loopback-in-peer-connection',
    '--disable-dev-shm-usage',
    '--disable-gpu',
  ],
});
let outcome;
try {
  const tab = await browser.newPage({ bypassCSP: true });
  // Pages of other sites may play, and publish nothing.
  const own = `http://127.0.0.1:${site.address().port}/`;
  await tab.goto(job.page === 'whip' ? new URL('/health', job.url).href : own);
  for (const path of [...(job.libraries ?? []), 'page.js']) {
    await tab.addScriptTag({ path: LIBRARIES[path] ?? join(here, path) });
  }
  outcome = await tab.evaluate((job) => globalThis.run(job), job);
} catch (error) {
  outcome = { fatal: [String(error)] };
}
console.log(JSON.stringify(outcome));
if (job.page === 'whip' && !outcome.fatal) await new Promise(() => {});
await browser.close();
site.close();

// Two windows of Chromium, each a screen of a wall, and when each of them shows which picture.
//
//   node windows.mjs TOOLS HOST
//
// TOOLS is where scripts/setup.sh installs npm's packages, HOST the address of the API. Told is, as
// JSON, what each page saw: the number that a picture bears, read from its pixels, and when it was
// shown, in milliseconds of the machine's clock.

import { createRequire } from 'node:module';
import { join } from 'node:path';

const [tools, host] = process.argv.slice(2);
const { chromium } = createRequire(join(tools, 'node_modules', '_'))('playwright-core');

const SCREENS = ['left', 'right'];
const LIMIT_MS = 60000;

/** In the page: notes every picture that is shown from now on. */
function watch() {
  const seen = [];
  const canvas = new OffscreenCanvas(320, 180);
  const pixels = canvas.getContext('2d', { willReadFrequently: true });
  const bright = (x, y) => pixels.getImageData(x, y, 1, 1).data.slice(0, 3);
  const note = (video) => (_, { expectedDisplayTime }) => {
    if (!video.isConnected) return;
    video.requestVideoFrameCallback(note(video));
    pixels.drawImage(video, 0, 0, 320, 180);
    let number = 0;
    for (let bit = 0; bit < 12; bit += 1) {
      if (bright(50 + 20 * bit, 40)[0] > 128) number += 1 << bit;
    }
    const [red, , blue] = bright(20, 120);
    const part = red > blue ? 'left' : 'right';
    seen.push({ number, part, at: performance.timeOrigin + expectedDisplayTime });
  };
  const videos = new WeakSet();
  setInterval(() => {
    for (const video of document.querySelectorAll('video.shown')) {
      if (videos.has(video)) continue;
      videos.add(video);
      video.requestVideoFrameCallback(note(video));
    }
  }, 20);
  globalThis.watched = { seen, since: performance.now() };
}

const api = async (method, path, body) => {
  const answer = await fetch(`${host}/api/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: body && JSON.stringify(body),
  });
  return answer.json();
};

/** Resolves when every client says that it plays so near to the clock. */
async function settled(limit_ms) {
  const near = ({ state, skew_ms }) => state === 'playing' && Math.abs(skew_ms) < limit_ms;
  for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
    const { clients } = await api('GET', 'clients');
    if (clients.length === SCREENS.length && clients.every(near)) return clients;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`not settled: ${JSON.stringify(await api('GET', 'clients'))}`);
}

/** What all pages see in the next milliseconds. */
async function measure(pages, milliseconds) {
  const begin = (page) => page.evaluate(() => { watched.seen.length = 0; });
  await Promise.all(pages.map(begin));
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  return Promise.all(pages.map((page) => page.evaluate(() => watched.seen)));
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  chromiumSandbox: process.getuid() !== 0,
  args: ['--autoplay-policy=no-user-gesture-required', '--disable-dev-shm-usage', '--disable-gpu'],
});
const told = {};
try {
  const open = async (screen) => {
    const page = await (await browser.newContext({ viewport: { width: 320, height: 180 } })).newPage();
    page.on('pageerror', (error) => { throw error; });
    await page.goto(`${host}/screen/wall/${screen}?name=${screen}`);
    await page.evaluate(watch);
    return page;
  };
  const pages = [];
  for (const screen of SCREENS) pages.push(await open(screen));
  await settled(20);
  told.together = await measure(pages, 3000);

  // One is pushed out of time, by less than is sought: it is played slower until it is back.
  const rates = pages[1].evaluate(() => new Promise((resolve) => {
    const video = document.querySelector('video.shown');
    const [rates, seeks] = [[], []];
    video.currentTime += 0.15;
    setTimeout(() => {
      video.addEventListener('seeking', () => seeks.push(video.currentTime));
      video.addEventListener('ratechange', () => rates.push(video.playbackRate));
      setTimeout(() => resolve({ rates, seeks: seeks.length }), 4000);
    }, 100);
  }));
  told.pushed = await measure(pages, 500);
  told.corrected = await rates;
  told.clients = await settled(20);
  told.back = await measure(pages, 1500);

  // The first is put before the other screen: it goes on there, and was not loaded anew.
  await pages[0].evaluate(() => { globalThis.same = true; });
  const moved = told.clients.find(({ name }) => name === 'left');
  await api('PATCH', `clients/${moved.id}`, { group: 'wall', screen: 'right' });
  const alone = () => document.querySelectorAll('video').length === 1;
  await pages[0].waitForFunction(() => watched.seen.at(-1)?.part === 'right', null, { timeout: LIMIT_MS });
  await pages[0].waitForFunction(alone, null, { timeout: LIMIT_MS });
  await settled(20);
  told.moved = await measure(pages, 1500);
  told.same = await pages[0].evaluate(() => globalThis.same === true);
  if (process.env.PICTURES) {
    for (const [at, page] of pages.entries()) await page.screenshot({ path: join(process.env.PICTURES, `${at}.png`) });
  }
} catch (error) {
  told.fatal = String(error);
}
console.log(JSON.stringify(told));
await browser.close();

// The player page: lists the streams, plays one, shows where it comes from and goes to.
// Reads /api/v1/streams once a second while the page is in view; changes nothing.
'use strict';

const byId = (id) => document.getElementById(id);
const video = byId('video');

/** The name of the stream being watched, and its player. */
let chosen = decodeURIComponent(location.hash.slice(1)) || null;
let playing = null;
let hls = null;

/** An element with text, and children if given. Text never becomes markup. */
function element(tag, text, properties = {}, children = []) {
  const made = Object.assign(document.createElement(tag), properties);
  if (text !== null) made.textContent = text;
  made.append(...children);
  return made;
}

const bitrate = (bps) =>
  bps >= 1e6 ? `${(bps / 1e6).toFixed(2)} Mb/s` : `${Math.round(bps / 1e3)} kb/s`;

function duration(ms) {
  const seconds = Math.floor(ms / 1000);
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(part).padStart(2, '0')).join(':');
}

function picture(stream) {
  if (!stream.video) return stream.audio ? 'audio only' : '';
  const { codec, width, height, fps } = stream.video;
  const size = width ? ` ${width}×${height}` : '';
  return `${codec}${size}${fps ? ` ${Number(fps.toFixed(2))} fps` : ''}`;
}

/** Who decides and why; the built-in policy names itself in its reasons. */
function decision({ decided_by: who, reason }) {
  if (!reason) return who;
  return reason.startsWith(`${who}: `) ? reason : `${who}: ${reason}`;
}

function light(stream) {
  if (stream.bitrate_bps > 0) return 'good';
  return stream.sources.some((source) => source.connected) ? 'warn' : 'bad';
}

function stateOf(name, tone) {
  const dot = element('i', '', { className: `dot ${tone}` });
  return element('span', null, { className: 'state' }, [dot, name]);
}

const OUTPUT_TONES = { live: 'good', connecting: 'warn', retrying: 'warn', source_lost: 'warn', failed: 'bad', exhausted: 'bad' };

// --- the list ---------------------------------------------------------------------------

function showList(streams) {
  const rows = streams.map((stream) => {
    const viewers = stream.readers.total;
    const facts = [picture(stream), bitrate(stream.bitrate_bps), `${viewers} viewer${viewers === 1 ? '' : 's'}`];
    const row = element('button', null, { className: 'stream', type: 'button' }, [
      element('strong', null, {}, [element('i', '', { className: `dot ${light(stream)}` }), stream.name]),
      element('span', facts.filter(Boolean).join(' · ')),
    ]);
    row.setAttribute('aria-pressed', String(stream.name === chosen));
    row.dataset.name = stream.name;
    return row;
  });
  if (rows.length === 0) {
    rows.push(element('p', 'No streams yet. Publish one over RTMP or SRT, or declare an input.', { className: 'empty' }));
  }
  const list = byId('streams');
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.name : null;
  list.replaceChildren(...rows);
  if (focused) rows.find((row) => row.dataset.name === focused)?.focus();
}

byId('streams').addEventListener('click', (event) => {
  const row = event.target.closest('.stream');
  if (row) location.hash = encodeURIComponent(row.dataset.name);
});

addEventListener('hashchange', () => {
  chosen = decodeURIComponent(location.hash.slice(1)) || null;
  poll();
});

// --- the chosen stream ------------------------------------------------------------------

function showDetails(stream) {
  byId('details').hidden = !stream;
  if (!stream) return;
  byId('title').textContent = stream.name;
  const { audio } = stream;
  const sound = audio && `${audio.codec} ${audio.sample_rate_hz / 1000} kHz ${audio.channels} ch`;
  const readers = Object.entries(stream.readers.by_protocol).map(([name, count]) => `${name} ${count}`);
  const figures = [
    ['Video', picture(stream)],
    ['Audio', sound],
    ['Bit rate', bitrate(stream.bitrate_bps)],
    ['Viewers', readers.join(', ') || '0'],
    ['Up', duration(stream.uptime_ms)],
    ['Decided by', decision(stream)],
  ];
  byId('figures').replaceChildren(
    ...figures.filter(([, value]) => value).map(([name, value]) =>
      element('div', null, {}, [element('dt', name), element('dd', value)])),
  );
  showAddresses(stream);
  showSources(stream);
  showOutputs(stream);
}

function showAddresses(stream) {
  const rows = Object.entries(stream.watch).map(([protocol, address]) => {
    const whole = new URL(address, location.href).href;
    const copy = element('button', 'Copy', { type: 'button' });
    copy.dataset.address = whole;
    return element('li', null, {}, [protocol.toUpperCase(), element('code', whole), copy]);
  });
  const list = byId('addresses');
  const wanted = rows.map((row) => row.textContent).join();
  if (list.dataset.shown === wanted) return; // keeps "Copied" and a selection as they are
  list.dataset.shown = wanted;
  list.replaceChildren(...rows);
}

byId('addresses').addEventListener('click', async (event) => {
  const button = event.target.closest('button');
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.address);
    button.textContent = 'Copied';
  } catch {
    // No clipboard outside of a secure context: select the text instead.
    getSelection().selectAllChildren(button.previousElementSibling);
    button.textContent = 'Selected';
  }
  setTimeout(() => { button.textContent = 'Copy'; }, 1500);
});

function fill(table, titles, rows, empty) {
  if (rows.length === 0) {
    table.replaceChildren(element('caption', empty, { className: 'empty' }));
    return;
  }
  const head = element('thead', null, {}, [element('tr', null, {}, titles.map((title) => element('th', title)))]);
  const body = element('tbody', null, {}, rows.map((cells) =>
    element('tr', null, {}, cells.map((cell) => element('td', null, {}, [cell ?? ''])))));
  table.replaceChildren(head, body);
}

function showSources(stream) {
  const rows = stream.sources.map((source) => {
    const fresh = source.packet_age_ms !== null && source.packet_age_ms < 1000;
    const state = source.on_air ? ['on air', fresh ? 'good' : 'warn']
      : source.connected ? ['standing by', fresh ? 'good' : 'warn'] : ['absent', 'bad'];
    const errors = source.continuity_errors;
    return [
      stateOf(source.id, state[1]), state[0], source.protocol.toUpperCase(),
      bitrate(source.bitrate_bps), errors ? `${errors} continuity errors` : '',
    ];
  });
  fill(byId('sources'), ['Source', 'State', 'By', 'Bit rate', ''], rows, 'None connected.');
}

function showOutputs(stream) {
  const rows = stream.outputs.map((output) => [
    stateOf(output.name, OUTPUT_TONES[output.state] ?? ''), output.state.replace('_', ' '),
    output.url, bitrate(output.bitrate_bps), output.last_error ?? '',
  ]);
  fill(byId('outputs'), ['Output', 'State', 'To', 'Bit rate', 'Last error'], rows, 'None.');
}

// --- playing ----------------------------------------------------------------------------

const notice = (text) => { byId('notice').textContent = text; };

function stop() {
  hls?.destroy();
  hls = null;
  playing = null;
  video.removeAttribute('src');
  video.load();
}

function play(stream) {
  stop();
  playing = stream.name;
  if (!('hls' in stream.watch)) return notice('This stream is not served over HLS.');
  notice('Waiting for the first segment…');
  if (globalThis.Hls?.isSupported()) {
    hls = new Hls({ liveSyncDurationCount: 2, manifestLoadPolicy: patience(), playlistLoadPolicy: patience() });
    hls.on(Hls.Events.ERROR, (_, fault) => fault.fatal && retry(fault.details));
    hls.loadSource(stream.watch.hls);
    hls.attachMedia(video);
  } else if (video.canPlayType('application/vnd.apple.mpegurl')) {
    video.src = stream.watch.hls;
  } else {
    notice('This browser plays no HLS; use one of the addresses below.');
  }
}

/** The first answer may take as long as a first segment does. */
function patience() {
  const again = { maxNumRetry: 8, retryDelayMs: 1000, maxRetryDelayMs: 4000 };
  return { default: { maxTimeToFirstByteMs: 15000, maxLoadTimeMs: 20000, timeoutRetry: again, errorRetry: again } };
}

function retry(why) {
  const name = playing;
  notice(`Playback broke off (${why}); trying again…`);
  hls?.destroy();
  hls = null;
  setTimeout(() => { if (playing === name) playing = null; }, 2000);
}

video.addEventListener('playing', () => notice(''));
video.addEventListener('error', () => { if (!hls && playing) retry('media error'); });

// --- the clock --------------------------------------------------------------------------

function show(streams) {
  const onAir = streams.filter((stream) => stream.bitrate_bps > 0);
  const total = onAir.reduce((sum, stream) => sum + stream.bitrate_bps, 0);
  byId('totals').textContent =
    `${onAir.length} of ${streams.length} stream${streams.length === 1 ? '' : 's'} live · ${bitrate(total)}`;
  chosen ??= (onAir[0] ?? streams[0])?.name ?? null;
  const stream = streams.find(({ name }) => name === chosen);
  showList(streams);
  showDetails(stream);
  if (!stream && playing) {
    stop();
    notice(`${chosen} has ended.`);
  } else if (stream && stream.name !== playing) {
    if (stream.bitrate_bps > 0) play(stream);
    else notice(`${stream.name} has no source on air.`);
  }
}

let timer = null;

async function poll() {
  clearTimeout(timer);
  try {
    const answer = await fetch('/api/v1/streams', { signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    show((await answer.json()).streams);
  } catch (fault) {
    byId('totals').textContent = `Pointsman does not answer (${fault.message}).`;
  }
  if (!document.hidden) timer = setTimeout(poll, 1000);
}

document.addEventListener('visibilitychange', () => { if (!document.hidden) poll(); });
poll();

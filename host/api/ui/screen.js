// A screen of a wall: /screen/GROUP/SCREEN, with `?token=KEY` where the host wants to know who asks.
//
// It registers as a client and keeps a line to the host (host/api/src/routes/clients/clock.rs), over
// which it measures the host's clock and hears what to show. A picture of media time t is shown when
// the host's clock says zero + t + delay; all screens of a group have the same zero and delay.
'use strict';

/** Between two looks at how far the picture is off. */
const LOOK_MS = 200;
/** Further off, the picture is sought; nearer, it is played a little faster or slower. */
const SEEK_S = 0.25;
/** So near is near enough. */
const NEAR_S = 0.003;
/** The share of a deviation that is made good in a second. */
const GAIN = 0.8;
/** Played no faster and no slower than this. Nobody sees it. */
const MAX_RATE = 0.05;
/** Pictures whose times are looked at together. */
const PICTURES = 12;
/** What was played is held for so long. */
const HELD_S = 4;
/** Between two measurements of the clock, to begin with and later. */
const PING_MS = [100, 2000];
/** Measurements that are remembered; the one that was back soonest counts. */
const PINGS = 16;
const RETRY_MS = 1000;

const path = decodeURIComponent(location.pathname.replace(/^\/screen\//, '')).split('/');
const screenId = path.pop();
const group = path.join('/');
const query = new URLSearchParams(location.search);
const wall = document.getElementById('wall');
const notice = document.getElementById('notice');

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const socketUrl = (path) => `${location.origin.replace(/^http/, 'ws')}${path}`;

function tell(text) {
  notice.textContent = text;
  notice.hidden = text === '';
}

// --- the host's clock -------------------------------------------------------------------

/** Milliseconds since 1970 that never jump, by this machine's clock. */
const ownTime = (at = performance.now()) => performance.timeOrigin + at;

const clock = {
  measured: [],
  /** t0 and t3 are this machine's times of sending and receiving, t1 and t2 the host's. */
  take({ t0, t1, t2 }, t3) {
    const [offset, rtt] = [((t1 - t0) + (t2 - t3)) / 2, (t3 - t0) - (t2 - t1)];
    this.measured.push({ offset, rtt });
    if (this.measured.length > PINGS) this.measured.shift();
  },
  best() {
    return this.measured.reduce((best, it) => (!best || it.rtt < best.rtt ? it : best), null);
  },
  /** The host's time, if it is known. */
  at(own) {
    const best = this.best();
    return best && own + best.offset;
  },
};

// --- a player ---------------------------------------------------------------------------

/** Plays one stream at its time. Ends when it is told to; what breaks is begun again. */
class Player {
  constructor(task, shown) {
    this.task = task;
    this.shown = shown;
    this.ended = false;
    this.fault = null;
    this.skews = [];
    this.open();
  }

  open() {
    this.video = document.createElement('video');
    Object.assign(this.video, { muted: true, playsInline: true, disableRemotePlayback: true });
    wall.append(this.video);
    this.video.addEventListener('error', () => this.rebuild(this.video.error?.message || 'media error'));
    this.watchPictures();
    const Source = globalThis.ManagedMediaSource ?? globalThis.MediaSource;
    if (Source && this.task.watch.mp4) this.playParts(new Source());
    else if (this.task.watch.hls) this.video.src = `${this.task.watch.hls}${location.search}`;
    else this.fault = 'this stream is served over neither MP4 nor HLS';
  }

  close() {
    this.ended = true;
    this.socket?.close();
    this.video.remove();
    this.video.removeAttribute('src');
    this.video.load();
  }

  /** All anew, but with the last picture until there is another. */
  rebuild(why) {
    if (this.ended) return;
    this.fault = why;
    const before = this.video;
    this.socket?.close();
    this.buffer = null;
    this.skews = [];
    setTimeout(() => {
      if (this.ended) return;
      this.open();
      this.video.addEventListener('loadeddata', () => before.remove(), { once: true });
    }, RETRY_MS);
  }

  /** Media Source Extensions, fed over a WebSocket (host/gateway/src/mp4). */
  playParts(source) {
    this.queue = [];
    this.video.src = URL.createObjectURL(source);
    source.addEventListener('sourceopen', () => {
      URL.revokeObjectURL(this.video.src);
      this.connect(source, this.video);
    }, { once: true });
  }

  connect(source, video) {
    if (this.ended || this.video !== video) return;
    const socket = new WebSocket(socketUrl(this.task.watch.mp4 + location.search));
    this.socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = ({ data }) => {
      if (this.socket !== socket || this.video !== video) return;
      this.queue.push(typeof data === 'string' ? JSON.parse(data) : data);
      this.append(source);
    };
    socket.onclose = () => {
      // The picture that is there stays; the stream goes on with the same times.
      if (this.socket === socket) setTimeout(() => this.connect(source, video), RETRY_MS);
    };
  }

  append(source) {
    const next = this.queue[0];
    if (next === undefined || this.buffer?.updating || source.readyState !== 'open') return;
    try {
      if (next instanceof ArrayBuffer) this.buffer.appendBuffer(next);
      else this.describe(source, next.mime);
      this.queue.shift();
      if (!(next instanceof ArrayBuffer)) this.append(source);
    } catch (error) {
      if (error.name === 'QuotaExceededError' && this.trim(1)) return;
      this.rebuild(error.message);
    }
  }

  describe(source, mime) {
    if (this.buffer) return this.buffer.changeType(mime);
    this.buffer = source.addSourceBuffer(mime);
    this.buffer.addEventListener('updateend', () => this.trim(HELD_S) || this.append(source));
  }

  /** Lets go of what was played longer ago; whether there was anything. */
  trim(held) {
    const { buffered } = this.buffer;
    const until = this.video.currentTime - held;
    const due = buffered.length > 0 && buffered.start(0) < until - HELD_S;
    if (due) this.buffer.remove(0, until);
    return due;
  }

  /** When media time zero was by the host's clock, Unix milliseconds. */
  zero() {
    const told = this.video.getStartDate?.().getTime();
    return this.buffer ? this.task.zero_unix_ms : told || this.task.zero_unix_ms;
  }

  /** The media time, in seconds, that is to be seen at a time of `performance.now()`. */
  due(at) {
    const [now, zero] = [clock.at(ownTime(at)), this.zero()];
    return now === null || zero === null ? null : (now - zero - this.task.delay_ms) / 1000;
  }

  /** Browsers say when a picture is on the glass, and which; that is what has to be on time. */
  watchPictures() {
    const video = this.video;
    const next = (_, { mediaTime, expectedDisplayTime }) => {
      if (this.ended || this.video !== video) return;
      video.requestVideoFrameCallback(next);
      this.reveal(video);
      const due = this.due(expectedDisplayTime);
      if (due === null) return;
      this.skews.push(mediaTime - due);
      if (this.skews.length > PICTURES) this.skews.shift();
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(next);
    else video.addEventListener('playing', () => this.reveal(video));
  }

  /** There is a picture: it covers what was there before. */
  reveal(video) {
    if (video.classList.contains('shown')) return;
    video.classList.add('shown');
    this.shown();
  }

  /** How far it is ahead, in seconds; null while it stands. */
  skew() {
    const due = this.due(performance.now());
    if (due === null || this.video.paused || this.video.readyState < 3) return null;
    const rough = this.video.currentTime - due;
    if (this.skews.length < PICTURES || Math.abs(rough) > SEEK_S) return rough;
    return this.skews.reduce((sum, it) => sum + it, 0) / PICTURES;
  }

  holds(time) {
    const { buffered } = this.video;
    for (let at = 0; at < buffered.length; at += 1) {
      if (buffered.start(at) <= time && time < buffered.end(at)) return true;
    }
    return false;
  }

  /** Brings the picture to where it is to be. */
  follow() {
    const due = this.due(performance.now());
    if (due === null || this.video.seeking) return;
    const rough = this.video.currentTime - due;
    if (this.video.paused || Math.abs(rough) > SEEK_S) {
      if (!this.holds(due)) return;
      this.skews = [];
      this.video.playbackRate = 1;
      this.video.currentTime = due;
      this.video.play().then(() => { this.fault = null; }, (error) => { this.fault = error.message; });
      return;
    }
    const skew = this.skew();
    if (skew === null) return;
    const wanted = Math.abs(skew) < NEAR_S ? 0 : skew * GAIN;
    const rate = 1 - Math.max(-MAX_RATE, Math.min(MAX_RATE, wanted));
    // Each change costs the browser something.
    if (Math.abs(rate - this.video.playbackRate) > 0.001) this.video.playbackRate = rate;
  }

  report() {
    const skew = this.skew();
    const state = skew !== null ? 'playing' : this.fault ? 'failed' : 'waiting';
    return {
      state,
      position_ms: this.video.currentTime * 1000,
      dropped_frames: this.video.getVideoPlaybackQuality?.().droppedVideoFrames ?? 0,
      skew_ms: skew === null ? null : skew * 1000,
      fault: state === 'failed' ? this.fault : null,
    };
  }
}

// --- what is to be shown ----------------------------------------------------------------

/** The player, and the one before it until it shows something. */
let player = null;
let before = null;

function show(task) {
  if (!task?.stream) {
    [player, before].forEach((it) => it?.close());
    [player, before] = [null, null];
    return tell(`${group} / ${screenId}: nothing is shown.`);
  }
  if (player?.task.stream === task.stream && player.task.watch.mp4 === task.watch.mp4) {
    player.task = task;
    return;
  }
  before?.close();
  before = player;
  player = new Player(task, revealed);
  if (!before) tell(`${group} / ${screenId}: waiting for ${task.stream}.`);
}

function revealed() {
  tell('');
  before?.close();
  before = null;
}

setInterval(() => {
  player?.follow();
  before?.follow();
}, LOOK_MS);

// --- the line to the host ---------------------------------------------------------------

/** A key in the address, or what a session's page has to show. */
async function credentials() {
  const token = query.get('token');
  if (token) return { authorization: `Bearer ${token}` };
  const answer = await fetch('/api/v1/session');
  const session = answer.ok ? await answer.json() : {};
  return session.csrf_token ? { 'x-csrf-token': session.csrf_token } : {};
}

async function register() {
  const answer = await fetch('/api/v1/clients', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...await credentials() },
    body: JSON.stringify({ group, screen: screenId, name: query.get('name') ?? undefined }),
  });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.detail ?? `The host answered ${answer.status}.`);
  return told;
}

/** Keeps a line until it breaks; whether this client is known still. */
function talk({ clock: address, token }) {
  const socket = new WebSocket(socketUrl(address));
  const send = (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message));
  let timers = [];
  let pings = 0;
  const ping = () => {
    send({ type: 'ping', t0: ownTime() });
    pings += 1;
    timers[0] = setTimeout(ping, PING_MS[pings < PINGS ? 0 : 1]);
  };
  const report = () => {
    const best = clock.best();
    send({
      type: 'report',
      ...(player?.report() ?? { state: 'idle' }),
      offset_ms: best?.offset,
      rtt_ms: best?.rtt,
    });
  };
  socket.onopen = () => {
    send({ type: 'hello', token });
    ping();
    timers[1] = setInterval(report, 1000);
  };
  socket.onmessage = ({ data }) => {
    const received = ownTime();
    const message = JSON.parse(data);
    if (message.type === 'pong') clock.take(message, received);
    if (message.type === 'task') show(message.task);
  };
  return new Promise((resolve) => {
    socket.onclose = ({ code }) => {
      clearTimeout(timers[0]);
      clearInterval(timers[1]);
      resolve(code !== 1008);
    };
  });
}

async function run() {
  for (let client = null; ;) {
    try {
      client ??= await register();
      if (!await talk(client)) client = null;
    } catch (error) {
      if (!player) tell(error.message);
    }
    await wait(RETRY_MS);
  }
}

// A screen stays on; browsers let it only while the page is in view.
async function stayAwake() {
  if (document.visibilityState !== 'visible') return;
  await navigator.wakeLock?.request('screen').catch(() => {});
}

document.title = `${group} / ${screenId} · Pointsman`;
document.addEventListener('visibilitychange', stayAwake);
document.addEventListener('click', () => document.documentElement.requestFullscreen?.().catch(() => {}));
stayAwake();
run();

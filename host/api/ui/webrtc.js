// Plays one stream over WebRTC (WHEP): /webrtc/NAME, with whatever query shows who asks.
'use strict';

const RETRY_MS = 2000;

const name = location.pathname.replace(/^\/webrtc\//, '');
const endpoint = `/whep/${name}${location.search}`;
const video = document.getElementById('video');
const notice = document.getElementById('notice');

/** The connection, and the address of its session on the host. */
let connection = null;
let session = null;

function tell(text) {
  notice.textContent = text;
  notice.hidden = text === '';
}

/** The servers that Link headers name (RFC 9725 section 4.6). */
function iceServers(header) {
  const links = (header ?? '').matchAll(/<([^>]+)>;\s*rel="ice-server"((?:;\s*[\w-]+="[^"]*")*)/g);
  return [...links].map(([, urls, rest]) => {
    const value = (key) => rest.match(new RegExp(`${key}="([^"]*)"`))?.[1];
    return { urls, username: value('username'), credential: value('credential') };
  });
}

/** What a problem document says, or the status alone. */
async function reason(response) {
  const problem = await response.json().catch(() => ({}));
  return problem.detail ?? `The host answered ${response.status}.`;
}

async function play() {
  const options = await fetch(endpoint, { method: 'OPTIONS' });
  const made = new RTCPeerConnection({ iceServers: iceServers(options.headers.get('link')) });
  connection = made;
  const media = new MediaStream();
  for (const kind of ['video', 'audio']) made.addTransceiver(kind, { direction: 'recvonly' });
  made.ontrack = ({ track }) => {
    media.addTrack(track);
    video.srcObject = media;
  };
  made.onconnectionstatechange = () => {
    if (made !== connection) return;
    if (made.connectionState === 'connected') tell('');
    if (['failed', 'disconnected', 'closed'].includes(made.connectionState)) again('The connection was lost.');
  };
  await made.setLocalDescription();
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/sdp' },
    body: made.localDescription.sdp,
  });
  if (answer.status !== 201) throw new Error(await reason(answer));
  session = answer.headers.get('location');
  await made.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
}

/** Ends what there is of a session; the host would find out by itself, but later. */
function leave() {
  if (session) fetch(session, { method: 'DELETE', keepalive: true }).catch(() => {});
  connection?.close();
  [connection, session] = [null, null];
}

function again(why) {
  leave();
  tell(why);
  setTimeout(start, RETRY_MS);
}

function start() {
  play().catch((error) => again(error.message));
}

document.title = `${decodeURIComponent(name)} · Pointsman`;
addEventListener('pagehide', leave);
start();

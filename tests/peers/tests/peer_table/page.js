// What runs in the page: players, a publisher, and what is seen and heard of them.

const FLASH_LUMA = 125;
const BEEP = 0.05;
const PATIENCE_MS = 25_000;

const fatal = [];
addEventListener('error', (event) => fatal.push(String(event.message)));
addEventListener('unhandledrejection', (event) => fatal.push(String(event.reason)));

const players = {
  hls(url, video) {
    const hls = new Hls({ lowLatencyMode: true });
    hls.on(Hls.Events.ERROR, (_, data) => {
      if (data.fatal) fatal.push(data.details);
    });
    hls.loadSource(url);
    hls.attachMedia(video);
  },
  dash(url, video) {
    const player = dashjs.MediaPlayer().create();
    player.on('error', ({ error }) => fatal.push(String(error.message ?? error)));
    player.initialize(video, url, true);
  },
  mpegts(url, video) {
    const player = mpegts.createPlayer({ type: 'mpegts', isLive: true, url });
    player.on(mpegts.Events.ERROR, (...error) => fatal.push(error.join(' ')));
    player.attachMediaElement(video);
    player.load();
    player.play();
  },
  // As small as a player of Media Source Extensions can be: it appends what comes.
  mse(url, video) {
    const source = new MediaSource();
    video.src = URL.createObjectURL(source);
    source.addEventListener('sourceopen', () => {
      const socket = new WebSocket(url);
      socket.binaryType = 'arraybuffer';
      const queue = [];
      let buffer;
      const next = () => {
        if (buffer && !buffer.updating && queue.length) buffer.appendBuffer(queue.shift());
      };
      socket.onmessage = ({ data }) => {
        if (typeof data === 'string') {
          buffer = source.addSourceBuffer(JSON.parse(data).mime);
          buffer.addEventListener('updateend', () => {
            const { buffered } = video;
            const start = buffered.length && buffered.start(0);
            if (buffered.length && video.currentTime < start) video.currentTime = start;
            next();
          });
        } else {
          queue.push(data);
          next();
        }
      };
    });
  },
  async whep(url, video) {
    const connection = new RTCPeerConnection();
    connection.addTransceiver('video', { direction: 'recvonly' });
    connection.addTransceiver('audio', { direction: 'recvonly' });
    const media = new MediaStream();
    connection.ontrack = ({ track }) => {
      media.addTrack(track);
      video.srcObject = media;
    };
    await negotiate(connection, url);
  },
};

async function negotiate(connection, url) {
  await connection.setLocalDescription();
  const headers = { 'content-type': 'application/sdp' };
  const answer = await fetch(url, { method: 'POST', headers, body: connection.localDescription.sdp });
  if (answer.status !== 201) throw new Error(await answer.text());
  await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
}

/** A function that tells whether it beeps now. */
function ear(video) {
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  const samples = new Float32Array(analyser.fftSize);
  let source;
  return () => {
    if (!source && video.srcObject?.getAudioTracks().length) {
      source = context.createMediaStreamSource(video.srcObject);
      source.connect(analyser);
    } else if (!source && video.src) {
      source = context.createMediaElementSource(video);
      source.connect(analyser);
    }
    analyser.getFloatTimeDomainData(samples);
    return samples.some((sample) => Math.abs(sample) > BEEP);
  };
}

/** A function that tells whether it flashes now. */
function eye(picture) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [4, 4];
  const pen = canvas.getContext('2d', { willReadFrequently: true });
  return () => {
    pen.drawImage(picture, 0, 0, 4, 4);
    return pen.getImageData(0, 0, 1, 1).data[1] > FLASH_LUMA;
  };
}

/** Notes when something begins to hold. */
function rises() {
  const times = [];
  let held = true;
  return [times, (holds, at) => {
    if (holds && !held) times.push(Math.round(at));
    held = holds;
  }];
}

const until = async (holds) => {
  const end = performance.now() + PATIENCE_MS;
  while (!holds() && !fatal.length && performance.now() < end) {
    await new Promise((later) => setTimeout(later, 20));
  }
};

async function plays(job) {
  const video = document.createElement('video');
  video.crossOrigin = 'anonymous';
  video.playsInline = true;
  // Not by `play()`: dash.js has to see it begin, or it asks for no further manifest.
  video.autoplay = true;
  document.body.append(video);
  const flashing = eye(video);
  const [flashes, look] = rises();
  const [beeps, listen] = rises();
  const beeping = ear(video);
  const shown = (now, { expectedDisplayTime }) => {
    look(flashing(), expectedDisplayTime);
    video.requestVideoFrameCallback(shown);
  };
  video.requestVideoFrameCallback(shown);
  setInterval(() => listen(beeping(), performance.now()), 5);
  await players[job.page](job.url, video);
  await until(() => flashes.length > 0);
  const frames = () => video.getVideoPlaybackQuality().totalVideoFrames;
  const [first, begun] = [frames(), performance.now()];
  await until(() => performance.now() - begun >= 1000 * job.seconds);
  return { pictures: frames() - first, flashes, beeps, width: video.videoWidth, fatal };
}

/** Pictures one after the other in an `<img>`. */
async function looks(job) {
  const image = new Image();
  image.crossOrigin = 'anonymous';
  image.onerror = () => fatal.push('the image cannot be shown');
  image.src = job.url;
  document.body.append(image);
  const flashing = eye(image);
  const [flashes, look] = rises();
  setInterval(() => image.naturalWidth && look(flashing(), performance.now()), 10);
  await until(() => flashes.length > job.seconds);
  return { flashes, width: image.naturalWidth, fatal };
}

/** The clapper by WHIP, as FFmpeg's: a flash and a beep in the first 100 ms of each second. */
async function publishes(job) {
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [320, 180];
  const pen = canvas.getContext('2d');
  const context = new AudioContext();
  const tone = new OscillatorNode(context, { frequency: 1000 });
  const loudness = new GainNode(context, { gain: 0 });
  const sound = context.createMediaStreamDestination();
  tone.connect(loudness).connect(sound);
  tone.start();
  setInterval(() => {
    const claps = performance.now() % 1000 < 100;
    pen.fillStyle = claps ? 'white' : 'black';
    pen.fillRect(0, 0, 320, 180);
    loudness.gain.value = claps ? 0.5 : 0;
  }, 20);
  const media = new MediaStream([
    ...canvas.captureStream(25).getTracks(),
    ...sound.stream.getTracks(),
  ]);
  const connection = new RTCPeerConnection();
  for (const track of media.getTracks()) {
    const to = connection.addTransceiver(track, { direction: 'sendonly', streams: [media] });
    if (track.kind !== 'video') continue;
    const { codecs } = RTCRtpSender.getCapabilities('video');
    to.setCodecPreferences(codecs.filter((codec) => codec.mimeType === 'video/H264'));
  }
  await negotiate(connection, job.url);
  return {};
}

globalThis.run = (job) => {
  if (job.page === 'supports') return { supported: MediaSource.isTypeSupported(job.url) };
  if (job.page === 'whip') return publishes(job);
  return job.page === 'img' ? looks(job) : plays(job);
};

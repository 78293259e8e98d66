// Two pages of Chromium with one peer connection each, as the room's client makes them. Told what to
// do by lines on stdin, answers by lines of JSON on stdout. Played by `chromium.rs`.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--use-fake-device-for-media-stream=fps=10',
    '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
    '--disable-background-timer-throttling',
    '--disable-renderer-backgrounding',
    '--disable-backgrounding-occluded-windows',
  ],
});
const pages = [];
for (const _ of [0, 1]) {
  const context = await browser.newContext({ permissions: ['camera', 'microphone'] });
  const page = await context.newPage();
  await page.route('**/*', (route) => route.fulfill({ body: '<!doctype html>', contentType: 'text/html' }));
  await page.goto('https://room.invalid/');
  pages.push(page);
}

/** Microphone, camera in two layers, screen, then a voice and a picture to receive. */
async function offer() {
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  globalThis.pc = pc;
  const media = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 480 } });
  const [voice] = media.getAudioTracks();
  const [face] = media.getVideoTracks();
  pc.addTransceiver(voice, { direction: 'sendonly' });
  pc.addTransceiver(face, {
    direction: 'sendonly',
    sendEncodings: [
      { rid: 'q', scaleResolutionDownBy: 2, maxBitrate: 150_000 },
      { rid: 'h', maxBitrate: 700_000 },
    ],
  });
  pc.addTransceiver('video', { direction: 'sendonly' });
  for (const kind of ['audio', 'video']) {
    const { receiver } = pc.addTransceiver(kind, { direction: 'recvonly' });
    const element = document.createElement(kind);
    element.srcObject = new MediaStream([receiver.track]);
    element.muted = kind === 'video';
    element.autoplay = true;
    document.body.append(element);
  }
  for (const transceiver of pc.getTransceivers()) {
    const { kind } = transceiver.receiver.track;
    const wanted = kind === 'audio' ? ['audio/opus'] : ['video/vp8', 'video/rtx'];
    const { codecs } = RTCRtpReceiver.getCapabilities(kind);
    transceiver.setCodecPreferences(codecs.filter((c) => wanted.includes(c.mimeType.toLowerCase())));
  }
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
}

/** The counters that the story looks at. */
async function stats() {
  const out = { state: pc.connectionState, frames: 0, height: 0, pictures: 0, voices: 0, nacks: 0, repaired: 0 };
  for (const stat of (await pc.getStats()).values()) {
    if (stat.type === 'inbound-rtp' && stat.kind === 'video') {
      out.frames += stat.framesDecoded ?? 0;
      out.height = Math.max(out.height, stat.frameHeight ?? 0);
      out.pictures += stat.packetsReceived;
      out.nacks += stat.nackCount ?? 0;
      out.repaired += stat.retransmittedPacketsReceived ?? 0;
    }
    if (stat.type === 'inbound-rtp' && stat.kind === 'audio') {
      out.voices += stat.packetsReceived;
      out.concealed = stat.concealedSamples;
      out.samples = stat.totalSamplesReceived;
    }
    if (stat.type === 'outbound-rtp') out.resent = (out.resent ?? 0) + (stat.retransmittedPacketsSent ?? 0);
    if (stat.type === 'outbound-rtp' && stat.rid === 'h') out.sends = stat.frameHeight;
    if (stat.type === 'transport') out.cipher = stat.srtpCipher;
    if (stat.type === 'remote-inbound-rtp') out.roundTrip = stat.roundTripTime;
    if (stat.type === 'candidate-pair' && stat.nominated) out.upload = stat.availableOutgoingBitrate;
  }
  return out;
}

for await (const line of createInterface({ input: process.stdin })) {
  const { page: n, ask, sdp } = JSON.parse(line);
  const page = pages[n];
  const answer = {
    offer: () => page.evaluate(offer),
    restart: () =>
      page.evaluate(async () => {
        pc.restartIce();
        await pc.setLocalDescription();
        return pc.localDescription.sdp;
      }),
    answer: () => page.evaluate((sdp) => pc.setRemoteDescription({ type: 'answer', sdp }), sdp),
    stats: () => page.evaluate(stats),
  }[ask];
  console.log(JSON.stringify((await answer()) ?? null));
}
await browser.close();

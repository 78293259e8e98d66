/** What a browser says of the media that it got and gave while some time passed. */
import type { Page } from 'playwright-core';

export interface Figures {
  /** Share of the audio that was made up because it did not arrive (R-MEET-44 shows the mark). */
  concealed: number;
  /** Mean time that a voice waited in the jitter buffer, ms. */
  buffered_ms: number;
  /** Seconds of voices that were played, all together. */
  heard_s: number;
  /** Frames a second of all faces together. */
  frames_per_s: number;
  /** Widest face at the end. */
  width: number;
  /** Seconds in which faces stood still, all together. */
  frozen_s: number;
  /** What left this browser: audio and video, kbit/s. */
  voice_kbit_s: number;
  picture_kbit_s: number;
  /** Widest picture that is sent at the end. */
  sent_width: number;
  seconds: number;
}

interface Sum {
  samples: number;
  concealed: number;
  waited_s: number;
  emitted: number;
  frames: number;
  frozen_s: number;
  voice: number;
  picture: number;
  width: number;
  sent_width: number;
}

export async function figures(page: Page, seconds: number): Promise<Figures> {
  const before = await sum(page);
  const from = Date.now();
  await page.waitForTimeout(seconds * 1_000);
  const after = await sum(page);
  const passed = (Date.now() - from) / 1_000;
  const grown = (of: keyof Sum) => Math.max(0, after[of] - before[of]);
  const share = (part: number, all: number) => (all === 0 ? 0 : part / all);
  return {
    concealed: rounded(share(grown('concealed'), grown('samples')), 3),
    buffered_ms: rounded(share(grown('waited_s'), grown('emitted')) * 1_000, 0),
    heard_s: rounded(grown('samples') / 48_000, 1),
    frames_per_s: rounded(grown('frames') / passed, 1),
    width: after.width,
    frozen_s: rounded(grown('frozen_s'), 1),
    voice_kbit_s: rounded((grown('voice') * 8) / 1_000 / passed, 0),
    picture_kbit_s: rounded((grown('picture') * 8) / 1_000 / passed, 0),
    sent_width: after.sent_width,
    seconds: rounded(passed, 1),
  };
}

function sum(page: Page): Promise<Sum> {
  return page.evaluate(async () => {
    type Hook = { pc: RTCPeerConnection; state: { slots: { audio: (string | null)[] } } };
    const { pc, state } = (window as unknown as { accordo: Hook }).accordo;
    const total = {
      samples: 0, concealed: 0, waited_s: 0, emitted: 0, frames: 0, frozen_s: 0, voice: 0, picture: 0, width: 0, sent_width: 0,
    };
    for (const stat of (await pc.getStats()).values()) {
      if (stat.type === 'inbound-rtp' && stat.kind === 'audio' && state.slots.audio[Number(stat.mid) - 3]) {
        total.samples += stat.totalSamplesReceived ?? 0;
        // Silence that stands for silence is no loss.
        total.concealed += (stat.concealedSamples ?? 0) - (stat.silentConcealedSamples ?? 0);
        total.waited_s += stat.jitterBufferDelay ?? 0;
        total.emitted += stat.jitterBufferEmittedCount ?? 0;
      }
      if (stat.type === 'inbound-rtp' && stat.kind === 'video') {
        total.frames += stat.framesDecoded ?? 0;
        total.frozen_s += stat.totalFreezesDuration ?? 0;
        total.width = Math.max(total.width, stat.frameWidth ?? 0);
      }
      if (stat.type === 'outbound-rtp') {
        const bytes = (stat.bytesSent ?? 0) + (stat.headerBytesSent ?? 0);
        if (stat.kind === 'audio') total.voice += bytes;
        else total.picture += bytes;
        if (stat.kind === 'video' && (stat.framesPerSecond ?? 0) > 0) {
          total.sent_width = Math.max(total.sent_width, stat.frameWidth ?? 0);
        }
      }
    }
    return total;
  });
}

function rounded(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

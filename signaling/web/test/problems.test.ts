import assert from 'node:assert/strict';
import { test } from 'node:test';
import { speechOpus } from '../src/media';
import { browserOf, deviceBack, deviceGone, deviceProblem } from '../src/problems';
import { following } from '../src/ui/roving';

test('browsers are told apart as far as the advice differs', () => {
  for (const [agent, browser] of [
    ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36', 'chrome'],
    ['Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0', 'edge'],
    ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'firefox'],
    ['Mozilla/5.0 (Macintosh; Intel Mac OS X 14_0) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15', 'safari'],
    ['Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 CriOS/131.0 Mobile Safari/604.1', 'iphone'],
    ['Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0 Mobile Safari/537.36', 'android'],
    ['', 'other'],
  ] as const) {
    assert.equal(browserOf(agent), browser);
  }
});

test('r_meet_44 every failure of a device says what to do', () => {
  assert.equal(deviceProblem('mic', 'NotReadableError', 'chrome'), 'Il microfono è usato da un’altra applicazione: chiudila e riprova.');
  assert.equal(deviceProblem('cam', 'TrackStartError', 'edge'), 'La telecamera è usata da un’altra applicazione: chiudila e riprova.');
  const advice = new Set((['chrome', 'firefox', 'safari', 'iphone', 'android', 'other'] as const).map((b) => deviceProblem('mic', 'NotAllowedError', b)));
  assert.equal(advice.size, 6, 'every browser keeps its permission somewhere else');
  for (const name of ['NotAllowedError', 'SecurityError', 'NotFoundError', 'OverconstrainedError', 'NotReadableError', '']) {
    for (const kind of ['mic', 'cam'] as const) {
      assert.match(deviceProblem(kind, name, 'chrome'), /riprova|Collega|Apri|Stacca/i, `${kind} ${name}`);
    }
  }
});

test('a device that goes and comes back is told with what is used instead', () => {
  assert.equal(deviceGone('mic', 'Cuffie', 'Portatile'), 'Il microfono «Cuffie» si è scollegato: adesso usi «Portatile».');
  assert.match(deviceGone('mic', 'Cuffie', null), /gli altri non ti sentono/);
  assert.match(deviceGone('cam', '', null), /^La telecamera si è scollegata/);
  assert.equal(deviceBack('cam', 'Logi'), 'La telecamera «Logi» è di nuovo collegata e in uso.');
});

test('the answer asks for repair and silence of speech', () => {
  const sdp = 'm=audio 9\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=0\r\nm=video 9\r\na=rtpmap:96 VP8/90000\r\n';
  const changed = speechOpus(sdp);
  assert.ok(changed.includes('a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n'), changed);
  assert.equal(changed.split('\r\n').length, sdp.split('\r\n').length);
  const bare = speechOpus('m=audio 9\r\na=rtpmap:109 opus/48000/2\r\nm=audio 9\r\na=rtpmap:109 opus/48000/2\r\n');
  assert.equal(bare.match(/a=fmtp:109 useinbandfec=1;usedtx=1\r\n/g)?.length, 2);
});

test('arrow keys walk round a toolbar', () => {
  for (const [key, at, to] of [
    ['ArrowRight', 0, 1],
    ['ArrowRight', 3, 0],
    ['ArrowLeft', 0, 3],
    ['Home', 2, 0],
    ['End', 1, 3],
    ['Enter', 1, null],
  ] as const) {
    assert.equal(following(key, at, 4), to);
  }
});

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { Connection, RequestError, type Edge, type End, type Socket, type Ticket } from '../src/connection';
import type { ServerMessage } from '../src/protocol';

class FakeSocket implements Socket {
  sent: Record<string, unknown>[] = [];
  closed = false;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  says(message: object): void {
    this.onmessage?.({ data: JSON.stringify(message) });
  }
}

class World implements Edge {
  sockets: FakeSocket[] = [];
  received: ServerMessage[] = [];
  states: string[] = [];
  fresh: boolean[] = [];
  ended: End | null = null;
  tickets: Ticket[] = [];

  open(): Socket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }

  ticket(): Promise<Ticket> {
    return Promise.resolve(this.tickets.shift() ?? { ok: false, code: 'offline', message: '' });
  }

  onState(state: string): void {
    this.states.push(state);
  }

  onWelcome(_: unknown, fresh: boolean): void {
    this.fresh.push(fresh);
  }

  onMessage(message: ServerMessage): void {
    this.received.push(message);
  }

  onEnd(end: End): void {
    this.ended = end;
  }

  random(): number {
    return 0.5;
  }

  get last(): FakeSocket {
    const socket = this.sockets.at(-1);
    assert.ok(socket);
    return socket;
  }

  /** Lets promises run and time pass. */
  async pass(ms: number): Promise<void> {
    await settle();
    mock.timers.tick(ms);
    await settle();
  }
}

async function settle(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

const welcome = (resume: string, resumed = false) => ({ seq: 0, type: 'welcome', me: 'm', resume, resumed });
const notice = (seq: number) => ({ seq, type: 'notice', text: String(seq), at_ms: 0 });

function entered(): { world: World; connection: Connection } {
  const world = new World();
  const connection = new Connection(world, 'first-token');
  connection.start();
  world.last.onopen?.();
  world.last.says(welcome('secret-1'));
  return { world, connection };
}

beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
afterEach(() => mock.timers.reset());

test('the first message is hello with the join token', () => {
  const { world } = entered();
  assert.deepEqual(world.last.sent[0], { id: 1, type: 'hello', token: 'first-token', last_seq: 0 });
  assert.deepEqual(world.fresh, [true]);
});

test('r_meet_27 a lost socket is resumed from the last message seen, and nothing is doubled', async () => {
  const { world } = entered();
  world.last.says(notice(1));
  world.last.says(notice(2));
  world.last.onclose?.();
  await world.pass(1000);
  assert.equal(world.sockets.length, 2);
  world.last.onopen?.();
  assert.deepEqual(world.last.sent[0], { id: 2, type: 'hello', resume: 'secret-1', last_seq: 2 });
  world.last.says(welcome('secret-2', true));
  world.last.says(notice(2));
  world.last.says(notice(3));
  assert.deepEqual(world.received.map((m) => m.type === 'notice' && m.text), ['1', '2', '3']);
  assert.deepEqual(world.fresh, [true, false]);
  assert.deepEqual(world.states, ['connecting', 'open', 'lost', 'open']);
});

test('what was processed is acknowledged, cumulatively', async () => {
  const { world } = entered();
  world.last.says(notice(1));
  world.last.says(notice(2));
  await world.pass(200);
  assert.deepEqual(world.last.sent.at(-1), { id: 0, type: 'ack', seq: 2 });
});

test('a refusal reaches the one who asked, a lost socket says so', async () => {
  const { world, connection } = entered();
  const refused = connection.request({ type: 'start' });
  world.last.says({ seq: 0, type: 'error', re: 2, code: 'not_allowed', message: '', retry: 'no' });
  await assert.rejects(refused, (e) => e instanceof RequestError && e.code === 'not_allowed');
  const lost = connection.request({ type: 'start' });
  world.last.onclose?.();
  await assert.rejects(lost, (e) => e instanceof RequestError && e.code === 'lost');
});

test('a resume secret that is no longer good is replaced by a new token', async () => {
  const { world } = entered();
  world.tickets = [{ ok: true, token: 'second-token' }];
  world.last.onclose?.();
  await world.pass(1000);
  world.last.onopen?.();
  world.last.says({ seq: 0, type: 'error', re: 2, code: 'bad_hello', message: '', retry: 'rejoin' });
  await world.pass(1000);
  world.last.onopen?.();
  assert.deepEqual(world.last.sent[0], { id: 3, type: 'hello', token: 'second-token', last_seq: 0 });
  world.last.says(welcome('secret-2'));
  assert.deepEqual(world.fresh, [true, true]);
});

test('r_meet_15 a room that is locked, or does not want me back, is not asked again and again', async () => {
  for (const [retry, rest] of [['no', {}], [{ after_ms: 30_000 }, { retry_after_s: 30 }]] as const) {
    const world = new World();
    new Connection(world, 'token').start();
    world.last.onopen?.();
    world.last.says({ seq: 0, type: 'error', re: 1, code: 'locked', message: '', retry });
    await world.pass(60_000);
    assert.deepEqual(world.ended, { kind: 'refused', code: 'locked', message: '', ...rest });
    assert.equal(world.sockets.length, 1);
  }
});

test('while the hub is down it keeps trying; when it says no it ends', async () => {
  const { world } = entered();
  world.last.says({ seq: 0, type: 'leave', reason: 'closing', action: 'rejoin' });
  for (let i = 0; i < 5; i++) await world.pass(10_000);
  assert.equal(world.ended, null);
  world.tickets = [{ ok: false, code: 'ended', message: '' }];
  await world.pass(10_000);
  assert.deepEqual(world.ended, { kind: 'refused', code: 'ended', message: '' });
});

test('leave with stop ends it for good', async () => {
  const { world } = entered();
  world.last.says({ seq: 0, type: 'leave', reason: 'ended', action: 'stop' });
  await world.pass(60_000);
  assert.deepEqual(world.ended, { kind: 'leave', reason: 'ended' });
  assert.equal(world.sockets.length, 1);
  assert.equal(world.last.closed, true);
});

test('a path that swallows everything is noticed and replaced', async () => {
  const { world } = entered();
  await world.pass(10_000);
  assert.equal(world.last.sent.at(-1)?.['type'], 'ack');
  await world.pass(10_000);
  await world.pass(1000);
  assert.equal(world.sockets.length, 2);
});

test('an answered heartbeat keeps the socket', async () => {
  const { world } = entered();
  for (let i = 0; i < 6; i++) {
    await world.pass(10_000);
    world.last.says({ seq: 0, type: 'ok', re: world.last.sent.at(-1)?.['id'] });
  }
  assert.equal(world.sockets.length, 1);
});

/** A real hub of one's own: fresh data, free port, ended by its process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { artefact, root } from './places';

export const hubBinary = process.env['ACCORDO_HUB'] ?? path.join(root, 'target/release/hub');
const READY_WITHIN_MS = 90_000;
const STOPPED_WITHIN_MS = 15_000;

export interface Message {
  id: string;
  channel: string;
  to: string;
  subject: string;
  text: string;
  created_at: string;
}

export class Hub {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly data: string,
  ) {}

  /** `host`: of the body that the story plays at. */
  static async start(host = '127.0.0.1'): Promise<Hub> {
    const data = await mkdtemp(path.join(tmpdir(), 'accordo-e2e-'));
    const port = await freePort();
    const listen = `127.0.0.1:${port}`;
    const log = createWriteStream(await artefact('hub.log'));
    const child = spawn(hubBinary, ['serve', '--demo', '--listen', listen, '--data', data], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.pipe(log);
    child.stderr.pipe(log);
    const hub = new Hub(child, `http://${host}:${port}`, data);
    await hub.ready();
    return hub;
  }

  async stop(): Promise<void> {
    if (this.child.exitCode === null) {
      const exit = once(this.child, 'exit');
      this.child.kill('SIGTERM');
      const late = setTimeout(() => this.child.kill('SIGKILL'), STOPPED_WITHIN_MS);
      await exit;
      clearTimeout(late);
    }
    await rm(this.data, { recursive: true, force: true });
  }

  /** Ends it without asking. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  /** Messages that the demo outbox holds for one address or number, newest first. */
  async outbox(to: string): Promise<Message[]> {
    return JSON.parse(await ask(`${this.url}/dev/outbox.json?to=${encodeURIComponent(to)}`)) as Message[];
  }

  /** Waits for a message that fits. */
  async message(to: string, wanted: (message: Message) => boolean, within_ms: number): Promise<Message> {
    const end = Date.now() + within_ms;
    for (;;) {
      const message = (await this.outbox(to)).find(wanted);
      if (message) return message;
      if (Date.now() > end) throw new Error(`the message to ${to || 'anybody'} did not come`);
      await sleep(100);
    }
  }

  private async ready(): Promise<void> {
    const end = Date.now() + READY_WITHIN_MS;
    while (!(await ask(`${this.url}/readyz`).then(() => true, () => false))) {
      if (this.child.exitCode !== null) throw new Error(`the hub ended with ${this.child.exitCode}: see hub/e2e/pictures/*/hub.log`);
      if (Date.now() > end) throw new Error('the hub did not get ready: see hub/e2e/pictures/*/hub.log');
      await sleep(100);
    }
  }
}

/** Asks the loopback address, whatever host the address names: that one chooses the body. */
function ask(address: string): Promise<string> {
  const { host, port, pathname, search } = new URL(address);
  const options = { host: '127.0.0.1', port, path: pathname + search, headers: { host } };
  return new Promise((resolve, reject) => {
    get(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (part: string) => (text += part));
      answer.on('end', () => (answer.statusCode === 200 ? resolve(text) : reject(new Error(`${address}: ${answer.statusCode}`))));
    }).on('error', reject);
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

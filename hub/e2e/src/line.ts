/** Somebody's own line to the server: it can be cut, and it can go silent. Media do not pass here. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

export class Line {
  private readonly open = new Set<Socket>();
  private up = true;

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  /** A line on an own loopback port to the server at `target`. */
  static async to(target: string): Promise<Line> {
    const { hostname, port } = new URL(target);
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const line = new Line(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('connection', (near) => line.join(near, Number(port), hostname));
    return line;
  }

  /** Every connection breaks, and none comes about until `mend`. */
  cut(): void {
    this.up = false;
    for (const socket of this.open) socket.destroy();
  }

  mend(): void {
    this.up = true;
  }

  close(): void {
    this.cut();
    this.server.close();
  }

  private join(near: Socket, port: number, host: string): void {
    if (!this.up) return void near.destroy();
    const far = connect(port, host);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      this.open.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.open.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}

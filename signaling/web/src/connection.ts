/**
 * The participant's one WebSocket: numbers requests, acknowledges what was processed, comes back
 * by itself after a loss.
 *
 * Nothing is processed twice (`seq`), and a request that was under way when the socket broke is
 * answered with `lost`: the caller shows it and the person decides.
 */
import type { ClientMessage, ErrorCode, LeaveReason, Retry, ServerEnvelope, ServerMessage } from './protocol';

/** The part of a WebSocket that is used here. */
export interface Socket {
  send(text: string): void;
  close(): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: string }) => void) | null;
  onclose: (() => void) | null;
}

export type Ticket =
  | { ok: true; token: string }
  | { ok: false; code: string; message: string; retry_after_s?: number };

export interface Edge {
  open(): Socket;
  /** A new join token. */
  ticket(): Promise<Ticket>;
  onState(state: ConnectionState): void;
  /** `fresh`: entered with a token, so that the hub knows no media of this page yet. */
  onWelcome(welcome: Welcome, fresh: boolean): void;
  /** Every other message of the room once, in order. */
  onMessage(message: ServerMessage): void;
  /** No way back without the person: shown as the last page. */
  onEnd(end: End): void;
  random(): number;
}

export type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
export type ConnectionState = 'connecting' | 'open' | 'lost';
export type End =
  | { kind: 'leave'; reason: LeaveReason }
  | { kind: 'refused'; code: string; message: string; retry_after_s?: number };

export class RequestError extends Error {
  constructor(
    readonly code: ErrorCode | 'lost',
    readonly retry: Retry = 'now',
  ) {
    super(code);
  }
}

type Pending = { resolve: (m: ServerMessage) => void; reject: (e: RequestError) => void };

/** The heartbeat's rhythm: an unanswered one after this time means the path is dead. */
const HEARTBEAT_MS = 10_000;
const ACK_DELAY_MS = 200;
const BACKOFF_MS = [0, 300, 600, 1_200, 2_500];

function retryAfter(ticket: { retry_after_s?: number }): { retry_after_s?: number } {
  return ticket.retry_after_s === undefined ? {} : { retry_after_s: ticket.retry_after_s };
}

export class Connection {
  private socket: Socket | null = null;
  private resume: string | null = null;
  private token: string | null;
  private lastSeq = 0;
  private ackedSeq = 0;
  private nextId = 1;
  private attempts = 0;
  private ended = false;
  private readonly pending = new Map<number, Pending>();
  private ackTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private heartbeat: ReturnType<typeof setInterval> | undefined;
  private awaited = 0;
  private fresh = true;
  /** The present socket was welcomed: before that only `hello` may be sent. */
  private welcome = false;

  /** `token`: the join token that is already at hand. */
  constructor(private readonly edge: Edge, token: string) {
    this.token = token;
  }

  start(): void {
    this.edge.onState('connecting');
    this.connect();
  }

  /** Sends a request; resolves with `ok` (or `answer`), rejects with the room's refusal. */
  request(message: ClientMessage): Promise<ServerMessage> {
    return new Promise((resolve, reject) => {
      const id = this.transmit(message, true);
      if (id === 0) reject(new RequestError('lost'));
      else this.pending.set(id, { resolve, reject });
    });
  }

  /** The network came back: no reason to wait any longer. */
  hurry(): void {
    if (this.retryTimer === undefined) return;
    clearTimeout(this.retryTimer);
    this.retryTimer = undefined;
    void this.comeBack();
  }

  /** Leaves for good. */
  async bye(): Promise<void> {
    await this.request({ type: 'bye' }).catch(() => undefined);
    this.end({ kind: 'leave', reason: 'bye' });
  }

  private connect(): void {
    if (this.ended) return;
    const socket = this.edge.open();
    this.socket = socket;
    socket.onopen = () => {
      const hello: ClientMessage =
        this.resume !== null
          ? { type: 'hello', resume: this.resume, last_seq: this.lastSeq }
          : { type: 'hello', token: this.token ?? '', last_seq: 0 };
      this.fresh = this.resume === null;
      this.token = null;
      const id = this.transmit(hello, true);
      this.pending.set(id, {
        resolve: () => undefined,
        reject: (error) => this.helloRefused(error),
      });
    };
    socket.onmessage = (event) => {
      if (this.socket === socket) this.receive(JSON.parse(event.data) as ServerEnvelope);
    };
    socket.onclose = () => {
      if (this.socket === socket) this.lost();
    };
  }

  private receive(envelope: ServerEnvelope): void {
    this.awaited = 0;
    if (envelope.seq > 0) {
      if (envelope.seq <= this.lastSeq) return;
      this.lastSeq = envelope.seq;
      this.ackTimer ??= setTimeout(() => this.acknowledge(), ACK_DELAY_MS);
    }
    switch (envelope.type) {
      case 'welcome':
        this.welcomed(envelope);
        return;
      case 'ok':
      case 'answer':
      case 'ice_servers':
      case 'invited':
        this.settle(envelope.re)?.resolve(envelope);
        break;
      case 'error':
        this.settle(envelope.re)?.reject(new RequestError(envelope.code, envelope.retry));
        break;
      case 'leave':
        this.left(envelope.reason, envelope.action);
        return;
    }
    this.edge.onMessage(envelope);
  }

  private welcomed(welcome: Welcome): void {
    this.resume = welcome.resume;
    this.welcome = true;
    this.attempts = 0;
    // A fresh start counts anew: the view that follows replaces everything before it.
    if (!welcome.resumed) this.lastSeq = this.ackedSeq = 0;
    clearInterval(this.heartbeat);
    this.heartbeat = setInterval(() => this.beat(), HEARTBEAT_MS);
    this.edge.onState('open');
    this.edge.onWelcome(welcome, this.fresh);
  }

  private left(reason: LeaveReason, action: 'stop' | 'resume' | 'rejoin'): void {
    if (action === 'stop') {
      this.end({ kind: 'leave', reason });
      return;
    }
    if (action === 'rejoin') this.resume = null;
    this.drop();
    this.lost();
  }

  /**
   * A refused secret is replaced by a new token; a refused token is the room's last word. A hub that
   * cannot serve the room at this moment is asked again.
   */
  private helloRefused({ code, retry }: RequestError): void {
    if (code === 'lost') return;
    const answered = this.fresh && code !== 'internal' && (retry === 'no' || typeof retry === 'object');
    if (answered) {
      const wait = typeof retry === 'object' ? { retry_after_s: Math.ceil(retry.after_ms / 1000) } : {};
      this.end({ kind: 'refused', code, message: '', ...wait });
      return;
    }
    this.resume = null;
    this.drop();
    this.lost();
  }

  private lost(): void {
    this.socket = null;
    this.welcome = false;
    clearInterval(this.heartbeat);
    for (const request of this.pending.values()) request.reject(new RequestError('lost'));
    this.pending.clear();
    if (this.ended || this.retryTimer !== undefined) return;
    this.edge.onState('lost');
    const wait = BACKOFF_MS[Math.min(this.attempts, BACKOFF_MS.length - 1)] ?? 0;
    this.attempts += 1;
    this.retryTimer = setTimeout(() => {
      this.retryTimer = undefined;
      void this.comeBack();
    }, wait * (0.75 + this.edge.random() / 2));
  }

  private async comeBack(): Promise<void> {
    if (this.resume === null && this.token === null) {
      const ticket = await this.edge.ticket();
      if (!ticket.ok) {
        if (ticket.code === 'offline' || ticket.code === 'internal') this.lost();
        else this.end({ kind: 'refused', code: ticket.code, message: ticket.message, ...retryAfter(ticket) });
        return;
      }
      this.token = ticket.token;
    }
    this.connect();
  }

  private beat(): void {
    if (this.awaited >= 1) {
      this.drop();
      this.lost();
      return;
    }
    this.awaited += 1;
    this.request({ type: 'ack', seq: this.lastSeq }).catch(() => undefined);
  }

  private acknowledge(): void {
    this.ackTimer = undefined;
    if (!this.welcome || this.lastSeq === this.ackedSeq) return;
    this.transmit({ type: 'ack', seq: this.lastSeq }, false);
    this.ackedSeq = this.lastSeq;
  }

  /** Returns the request's number; 0 if it has none or could not be sent. */
  private transmit(message: ClientMessage, answered: boolean): number {
    if (!this.socket || (!this.welcome && message.type !== 'hello')) return 0;
    const id = answered ? this.nextId++ : 0;
    try {
      this.socket.send(JSON.stringify({ id, ...message }));
    } catch {
      return 0;
    }
    return id;
  }

  private settle(id: number): Pending | undefined {
    const request = this.pending.get(id);
    this.pending.delete(id);
    return request;
  }

  private drop(): void {
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  private end(end: End): void {
    if (this.ended) return;
    this.ended = true;
    clearTimeout(this.retryTimer);
    clearTimeout(this.ackTimer);
    clearInterval(this.heartbeat);
    this.drop();
    this.pending.clear();
    this.edge.onEnd(end);
  }
}

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Cancel, Clock } from '../clock/clock.js';
import type { Page, Pages } from './probe-pages.js';

const MAX_HEADER_BYTES = 8192;
/** Bytes of a body that are read and thrown away; a probe has none. */
const MAX_BODY_BYTES = 65_536;
/** Milliseconds that a probe has where `handshakeTimeoutMs` leaves any time. */
const MAX_PROBE_MS = 10_000;
/** Milliseconds that last words take to be read. */
const LAST_WORDS_MS = 1000;

const PLAIN_TEXT = 'text/plain; charset=utf-8';

/** How a request is turned away that Node could not read, or that has no answer of Node's to be told in. */
const REFUSALS = {
  malformed: ['400 Bad Request', 'this is no request of HTTP/1.1'],
  connect: ['405 Method Not Allowed', 'this is no proxy'],
  slow: ['408 Request Timeout', 'the request took too long'],
  long: ['431 Request Header Fields Too Large', `the head of the request is over ${MAX_HEADER_BYTES} bytes`],
} as const;

/**
 * Answers plain HTTP on connections that turned out to speak it: Node's own server, which never listens, is given them
 * one by one. Each carries one request, has one time for all of it, and no way back to xtcp.
 */
export class Probes {
  private readonly http = createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  /** The connections that are open, each with what stops its timer. */
  private readonly timers = new Map<Duplex, Cancel>();
  /** The request of each, once its head is there. */
  private readonly requests = new WeakMap<Duplex, IncomingMessage>();
  private readonly hint: string;

  /** @param timeoutMs milliseconds for a request and its answer; 0 for {@link MAX_PROBE_MS} */
  constructor(
    private readonly pages: Pages,
    private readonly timeoutMs: number,
    private readonly clock: Clock,
  ) {
    this.hint = `there is GET and HEAD of ${Array.from(pages.keys()).join(', ')}`;
    // What lies behind a request is not to be asked. Time limits of Node's own need a server that listens.
    this.http.maxRequestsPerSocket = 1;
    const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
      this.take(request, response);
    };
    this.http.on('request', onRequest);
    // Who asks first whether its body may come gets the answer in the place of a yes.
    this.http.on('checkContinue', onRequest);
    this.http.on('connect', (_request, socket) => {
      this.refuse(socket, 'connect');
    });
    this.http.on('clientError', ({ code }: NodeJS.ErrnoException, socket) => {
      this.refuse(socket, code === 'HPE_HEADER_OVERFLOW' ? 'long' : 'malformed');
    });
  }

  /** Takes a connection over, into which what has come was put back. */
  serve(socket: Socket): void {
    const stopTimer = this.clock.after(this.timeoutMs || MAX_PROBE_MS, () => {
      if (this.requests.has(socket)) socket.destroy();
      else this.refuse(socket, 'slow');
    });
    this.timers.set(socket, stopTimer);
    socket.once('close', () => {
      this.timers.get(socket)?.();
      this.timers.delete(socket);
    });
    // Node listens for as long as it reads requests; behind that, nobody would, and an error ends the process.
    socket.on('error', () => {});
    this.http.emit('connection', socket);
    socket.resume();
  }

  /** Closes what nothing has been asked on yet; the rest closes by itself, behind its answer. */
  dropAsking(): void {
    for (const socket of this.timers.keys()) if (!this.requests.has(socket)) socket.destroy();
  }

  /** Answers once the request has been read whole: a connection that is closed with something unread is reset. */
  private take(request: IncomingMessage, response: ServerResponse): void {
    this.requests.set(request.socket, request);
    let bytes = 0;
    request.on('data', (piece: Buffer) => {
      bytes += piece.length;
      if (bytes <= MAX_BODY_BYTES || response.writableEnded) return;
      send(response, { status: 413, text: `a probe has no body; ${this.hint}` });
    });
    request.on('end', () => {
      if (response.writableEnded) return;
      this.answer(request, response).catch((error: unknown) => {
        response.destroy(error as Error);
      });
    });
  }

  private async answer({ method, url = '' }: IncomingMessage, response: ServerResponse): Promise<void> {
    const page = this.pages.get(url.split('?', 1)[0]!);
    if (page === undefined) {
      send(response, { status: 404, text: `not found; ${this.hint}` });
    } else if (method === 'GET' || method === 'HEAD') {
      send(response, await page());
    } else {
      response.setHeader('Allow', 'GET, HEAD');
      send(response, { status: 405, text: `method not allowed; ${this.hint}` });
    }
  }

  private refuse(socket: Duplex, why: keyof typeof REFUSALS): void {
    // What lies behind a request that is whole does not keep it from its answer.
    if (why !== 'connect' && this.requests.get(socket)?.complete === true) return;
    // Said once; who goes on behind it gets no further word.
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const [status, reason] = REFUSALS[why];
    const body = `${reason}; ${this.hint}\n`;
    const head = [
      `HTTP/1.1 ${status}`,
      `Content-Type: ${PLAIN_TEXT}`,
      `Content-Length: ${body.length}`,
      'Cache-Control: no-store',
      ...(why === 'connect' ? ['Allow: GET, HEAD'] : []),
      'Connection: close',
    ];
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
    this.timers.get(socket)?.();
    const stopTimer = this.clock.after(LAST_WORDS_MS, () => {
      socket.destroy();
    });
    this.timers.set(socket, stopTimer);
  }
}

/** Node leaves the body away where the request was for the head alone. */
function send(response: ServerResponse, { status, text, contentType = PLAIN_TEXT }: Page): void {
  const body = Buffer.from(text.endsWith('\n') ? text : `${text}\n`);
  response.writeHead(status, {
    'Content-Type': contentType,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Connection: 'close',
  });
  response.end(body);
}

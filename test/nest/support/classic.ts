import type { RawPeer } from '../../support/raw.js';

/** One classic request, as an old peer writes it. */
export function requestBytes(method: string, params: string | Buffer): Buffer {
  const octets = Buffer.from(params as string);
  return Buffer.concat([
    Buffer.from(`${Buffer.byteLength(method)}\r\n${method}\r\n${octets.length}\r\n`),
    octets,
    Buffer.from('\r\n\r\n'),
  ]);
}

/** One classic answer, as an old peer writes it. */
export function answerBytes(result: string): string {
  return `${Buffer.byteLength(result)}\r\n${result}\r\n\r\n`;
}

/** Waits for one answer and takes it; anything that is not exactly one classic frame of one field is an error. */
export async function takeAnswer(peer: RawPeer): Promise<string> {
  await peer.until(() => /^\d+\r\n/.test(peer.bytes) || peer.ended || peer.closed);
  const head = /^(\d+)\r\n/.exec(peer.bytes);
  if (head === null) throw new Error(`there is no answer, but ${JSON.stringify(peer.bytes)}`);
  const size = Number(head[1]);
  const frame = await peer.take(head[0].length + size + 4);
  if (frame.length !== head[0].length + size + 4 || !frame.endsWith('\r\n\r\n')) {
    throw new Error(`this is no classic answer: ${JSON.stringify(frame)}`);
  }
  return Buffer.from(frame.slice(head[0].length, -4), 'latin1').toString();
}

/** Waits for one request of two fields, for a test that plays the server, and takes it. */
export async function takeRequest(peer: RawPeer): Promise<{ method: string; params: string }> {
  const method = await takeField(peer);
  const params = await takeField(peer);
  await peer.take(2);
  return { method, params };
}

async function takeField(peer: RawPeer): Promise<string> {
  await peer.until(() => /^\d+\r\n/.test(peer.bytes) || peer.ended || peer.closed);
  const head = /^(\d+)\r\n/.exec(peer.bytes);
  if (head === null) throw new Error(`there is no field of a request, but ${JSON.stringify(peer.bytes)}`);
  const field = await peer.take(head[0].length + Number(head[1]) + 2);
  return Buffer.from(field.slice(head[0].length, -2), 'latin1').toString();
}

/** Sends one request and takes its answer. */
export async function ask(peer: RawPeer, method: string, params: string | Buffer = ''): Promise<string> {
  peer.send(requestBytes(method, params));
  return takeAnswer(peer);
}

/** The JSON in an answer that tells what an exception filter produced. */
export function applicationError(text: string): unknown {
  const prefix = 'XTCP Server: APPLICATION: ';
  if (!text.startsWith(prefix)) throw new Error(`this tells of no handler's error: ${text}`);
  return JSON.parse(text.slice(prefix.length));
}

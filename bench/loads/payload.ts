import { isDeepStrictEqual } from 'node:util';

/** As the library names what it exchanges: a string, a Buffer, or anything else, as JSON. */
export type PayloadKind = 'text' | 'json' | 'bytes';

export interface Payload {
  readonly kind: PayloadKind;
  /** Of its text, octets or JSON; of JSON, about. */
  readonly bytes: number;
}

/** The value that a load sends. */
export function makeValue({ kind, bytes }: Payload): unknown {
  switch (kind) {
    case 'text':
      return makeText(bytes);
    case 'bytes':
      return Buffer.from(makeText(bytes), 'latin1');
    case 'json':
      return makeOrder(bytes);
  }
}

/** Whether `answer` is `value` as it comes back. Nest's TCP transport hands a Buffer over as the JSON of one. */
export function isEchoOf(value: unknown, answer: unknown): boolean {
  if (Buffer.isBuffer(value)) return value.equals(Buffer.from(answer as Buffer));
  return isDeepStrictEqual(value, answer);
}

/** Printable ASCII without what JSON would escape, so that no encoding is favoured by its size. */
function makeText(bytes: number): string {
  const words = 'the quick brown fox jumps over the lazy dog 0123456789 ';
  return words.repeat(Math.ceil(bytes / words.length)).slice(0, bytes);
}

/** What an application might send as an object: text, numbers, flags and a list. `order` in echo.proto. */
function makeOrder(bytes: number): object {
  const line = { sku: 'A-1024-XL', title: 'a woollen blanket, grey', quantity: 3, price: 49.95, gift: false };
  const lineBytes = JSON.stringify(line).length + 1;
  const order = { id: 'c0ffee00-1234', customer: 'Xiao Xiao', paid: true, lines: [] as (typeof line)[] };
  const count = Math.round((bytes - JSON.stringify(order).length) / lineBytes);
  for (let index = 0; index < count; index++) order.lines.push({ ...line, quantity: index + 1 });
  return order;
}

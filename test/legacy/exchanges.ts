import { readFileSync } from 'node:fs';

/** What a server does behind its answer. */
export type Afterwards = 'open' | 'closes' | 'resets';

export interface Said {
  readonly answer: string;
  readonly afterwards: Afterwards;
}

/** What our client makes of it: a value, or an XtcpError. */
export type Outcome = { readonly value: string } | { readonly code: string; readonly message: string };

/** One exchange of exchanges.json, where `about` explains the members. */
export interface Exchange {
  readonly name: string;
  readonly request: string;
  readonly oldServer: Said;
  readonly call?: { readonly pattern: string; readonly data: string };
  readonly ourClient?: Outcome;
  readonly ourServer?: Said;
}

/** An exchange that begins with a call of our client. */
export type Called = Exchange & Required<Pick<Exchange, 'call' | 'ourClient'>>;

/** An exchange in which our server is asked. */
export type Served = Exchange & Required<Pick<Exchange, 'ourServer'>>;

const file = readFileSync(new URL('exchanges.json', import.meta.url), 'utf8');

export const { exchanges } = JSON.parse(file) as { readonly exchanges: readonly Exchange[] };

export const called = exchanges.filter((exchange): exchange is Called => exchange.call !== undefined);

export const served = exchanges.filter((exchange): exchange is Served => exchange.ourServer !== undefined);

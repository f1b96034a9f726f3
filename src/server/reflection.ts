import type { MessageHandler } from '@nestjs/microservices';

import type { Router, XtcpExtras } from './router.js';

/** The reserved pattern that tells of all others (docs/protocol.md, "xtcp.patterns"). */
export const PATTERNS_PATTERN = 'xtcp.patterns';

/** What is known of the payload that the handlers of a pattern take: its JSON Schema, or why there is none. */
export type PayloadDescription =
  | { readonly schema: object; readonly reason: null }
  | { readonly schema: null; readonly reason: string };

/** One pattern that a server serves; one with a handler of calls and handlers of events has an entry for either. */
export type XtcpPattern = PayloadDescription & {
  /** As it goes over the wire: an object pattern as JSON, in Nest's normal form. */
  readonly pattern: string;
  readonly kind: 'call' | 'event';
  /** The `description` of the handler's extras, of several handlers the first that has one. */
  readonly description: string | null;
};

/** What `client.send('xtcp.patterns', '')` is answered. */
export interface XtcpPatterns {
  /** In the order of their patterns, by UTF-16 code units, and then of their kinds; without the reserved ones. */
  readonly patterns: readonly XtcpPattern[];
}

/** Tells of the payload of one pattern's handlers; asked when somebody asks the server. */
export type DescribePayload = (pattern: string, kind: 'call' | 'event') => PayloadDescription;

const NOT_DESCRIBED: PayloadDescription = {
  schema: null,
  reason: 'XtcpModule is not installed: import XtcpModule.register() to have schemas told',
};

/** Answers {@link PATTERNS_PATTERN} from the routes that there are when it is asked. */
export class Reflection {
  /** Where nobody sets it: the strategy sees handlers without their parameters. */
  describe: DescribePayload = () => NOT_DESCRIBED;

  constructor(private readonly router: Router) {
    router.reserve(PATTERNS_PATTERN, () => this.answer());
  }

  private answer(): XtcpPatterns {
    const patterns: XtcpPattern[] = [];
    for (const { pattern, call, events } of this.router.ofApplication()) {
      if (call !== undefined) patterns.push(this.entry(pattern, 'call', [call]));
      if (events.length > 0) patterns.push(this.entry(pattern, 'event', events));
    }
    return { patterns: patterns.toSorted(byPatternAndKind) };
  }

  private entry(pattern: string, kind: 'call' | 'event', handlers: readonly MessageHandler[]): XtcpPattern {
    const description = handlers.map(descriptionOf).find((text) => text !== undefined) ?? null;
    return { pattern, kind, description, ...this.describe(pattern, kind) };
  }
}

function descriptionOf({ extras }: MessageHandler): string | undefined {
  return (extras as XtcpExtras | undefined)?.description;
}

function byPatternAndKind(one: XtcpPattern, other: XtcpPattern): number {
  if (one.pattern !== other.pattern) return one.pattern < other.pattern ? -1 : 1;
  return one.kind < other.kind ? -1 : 1;
}

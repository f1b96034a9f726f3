import { Inject, Injectable } from '@nestjs/common';

import type { PayloadDescription } from '../server/reflection.js';
import type { XtcpServer } from '../server/xtcp-server.js';
import { DeclaredHandlers, type DeclaredHandler } from './declared-handlers.js';
import { describeSchema, without } from './payload-schema.js';
import { XtcpServers } from './xtcp-servers.js';

const NO_SCHEMA = without('no schema is declared, and a class tells of none: give one to @Payload({ schema })');
const NOT_FOUND = without('no method of a controller with @MessagePattern or @EventPattern was found for it');

/**
 * Tells the XtcpServers of the application what their handlers declare of their payloads. Looked for when first somebody
 * asks, and kept: an application that nobody asks pays nothing at its start.
 */
@Injectable()
export class PayloadDescriptions {
  private handlers: ReadonlyMap<string, readonly DeclaredHandler[]> | undefined;
  private readonly described = new Map<unknown, PayloadDescription>();

  constructor(
    @Inject(XtcpServers) servers: XtcpServers,
    @Inject(DeclaredHandlers) private readonly declared: DeclaredHandlers,
  ) {
    servers.each.subscribe((server) => {
      server.describePayloads((pattern, kind) => this.describe(server, pattern, kind));
    });
  }

  private describe({ transportId }: XtcpServer, pattern: string, kind: 'call' | 'event'): PayloadDescription {
    this.handlers ??= byPattern(this.declared.find());
    const serving = (this.handlers.get(keyOf({ pattern, kind })) ?? []).filter(
      // As Nest binds them.
      ({ transport }) => transport === undefined || transportId === undefined || transport === transportId,
    );
    // Of several handlers of calls, the last is the one that answers; those of events all run.
    const running = kind === 'call' ? serving.slice(-1) : serving;
    if (running.length === 0) return NOT_FOUND;
    return this.describeDeclared(running.flatMap(({ schemas }) => schemas));
  }

  private describeDeclared(declared: DeclaredHandler['schemas']): PayloadDescription {
    const whole = new Set(declared.filter(({ property }) => property === undefined).map(({ schema }) => schema));
    const [schema] = whole;
    if (whole.size > 1)
      return without('several schemas are declared for it: give all @Payload({ schema }) the same one');
    if (whole.size === 0) {
      if (declared.length === 0) return NO_SCHEMA;
      return without('schemas are declared for properties of the payload alone: give one for the whole payload');
    }
    let description = this.described.get(schema);
    if (description === undefined) {
      description = describeSchema(schema);
      this.described.set(schema, description);
    }
    return description;
  }
}

function byPattern(handlers: readonly DeclaredHandler[]): Map<string, DeclaredHandler[]> {
  const groups = new Map<string, DeclaredHandler[]>();
  for (const handler of handlers) {
    const group = groups.get(keyOf(handler));
    if (group === undefined) groups.set(keyOf(handler), [handler]);
    else group.push(handler);
  }
  return groups;
}

function keyOf({ pattern, kind }: Pick<DeclaredHandler, 'pattern' | 'kind'>): string {
  return `${kind} ${pattern}`;
}

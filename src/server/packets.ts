import type {
  ConsumerDeserializer,
  ConsumerSerializer,
  IncomingRequest,
  OutgoingResponse,
} from '@nestjs/microservices';

import { InOrder } from '../async/in-order.js';
import type { ErrorOrigin } from './error-of.js';
import type { ResultSink } from './handler-run.js';

/** An application's own serializer and deserializer, which exchange Nest packets as those of Nest's transports do. */
export interface Packets {
  readonly serializer: ConsumerSerializer | undefined;
  readonly deserializer: ConsumerDeserializer | undefined;
}

type Response = Pick<OutgoingResponse, 'id'> & Partial<OutgoingResponse>;

/** What the deserializer leaves of a request or event. */
export function deserialize(
  { deserializer }: Packets,
  packet: Partial<IncomingRequest>,
): Partial<IncomingRequest> | Promise<Partial<IncomingRequest>> {
  return deserializer === undefined ? packet : deserializer.deserialize(packet as IncomingRequest);
}

/** Sends everything through the serializer first, in order; what it leaves in `response` and `err` is answered. */
export class SerializingSink implements ResultSink {
  private readonly order = new InOrder();

  constructor(
    private readonly sink: ResultSink,
    private readonly serializer: ConsumerSerializer,
    private readonly id: string,
  ) {}

  next(value: unknown): void {
    this.send({ response: value }, ({ response }) => {
      this.sink.next(response);
    });
  }

  items(source: AsyncIterable<unknown>): void {
    this.sink.items(this.serialized(source));
  }

  only(value: unknown): void {
    this.send({ response: value, isDisposed: true }, ({ response }) => {
      this.sink.only(response);
    });
  }

  complete(): void {
    this.send({ isDisposed: true }, () => {
      this.sink.complete();
    });
  }

  fail(error: unknown, origin: ErrorOrigin): void {
    this.send({ err: error, isDisposed: true }, ({ err }) => {
      this.sink.fail(err, origin);
    });
  }

  private send(packet: Omit<Response, 'id'>, use: (serialized: Response) => void): void {
    this.order.run(
      () => this.serialize(packet),
      use,
      (error) => {
        this.sink.fail(error, 'unfiltered');
      },
    );
  }

  private serialize(packet: Omit<Response, 'id'>): Response | Promise<Response> {
    return this.serializer.serialize({ id: this.id, ...packet } as OutgoingResponse) as Response | Promise<Response>;
  }

  private async *serialized(source: AsyncIterable<unknown>): AsyncGenerator {
    for await (const value of source) yield (await this.serialize({ response: value })).response;
  }
}

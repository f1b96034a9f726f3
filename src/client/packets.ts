import type {
  IncomingResponse,
  OutgoingEvent,
  OutgoingRequest,
  ProducerDeserializer,
  ProducerSerializer,
} from '@nestjs/microservices';

import type { Cancel } from '../clock/clock.js';
import { InOrder } from '../async/in-order.js';

/** An application's own serializer and deserializer, which exchange Nest packets as those of Nest's transports do. */
export interface Packets {
  readonly serializer: ProducerSerializer | undefined;
  readonly deserializer: ProducerDeserializer | undefined;
}

/** Who waits for a call, before its errors and values are what the application sees. */
export interface PacketObserver {
  onValue(value: unknown, taken: () => void): void;
  onComplete(): void;
  onError(error: unknown): void;
}

/** Passes calls through the application's serializers, in order. */
export class PacketExchange {
  private readonly outgoing = new InOrder();

  constructor(private readonly packets: Packets) {}

  /**
   * Serializes a packet, then starts its call with the data that this leaves.
   * @returns what to call when its answer is not wanted any more
   */
  send(
    packet: OutgoingRequest | OutgoingEvent,
    start: (data: unknown) => Cancel,
    onError: (error: unknown) => void,
  ): Cancel {
    const { serializer } = this.packets;
    if (serializer === undefined) return start(packet.data);
    let cancelled = false;
    let cancel: Cancel | undefined;
    this.outgoing.run(
      () => serializer.serialize(packet) as OutgoingEvent | Promise<OutgoingEvent>,
      ({ data }) => {
        if (!cancelled) cancel = start(data);
      },
      onError,
    );
    return () => {
      cancelled = true;
      cancel?.();
    };
  }

  /** An observer that deserializes what comes before it hands it on. */
  receiver(id: string, observer: PacketObserver): PacketObserver {
    const { deserializer } = this.packets;
    if (deserializer === undefined) return observer;
    const order = new InOrder();
    const receive = (packet: Omit<IncomingResponse, 'id'>, use: (packet: Partial<IncomingResponse>) => void): void => {
      order.run(
        () => deserializer.deserialize({ id, ...packet }),
        use,
        (error) => {
          observer.onError(error);
        },
      );
    };
    return {
      onValue: (value, taken) => {
        receive({ response: value }, ({ response }) => {
          observer.onValue(response, taken);
        });
      },
      onComplete: () => {
        receive({ isDisposed: true }, () => {
          observer.onComplete();
        });
      },
      onError: (error) => {
        receive({ err: error, isDisposed: true }, ({ err }) => {
          observer.onError(err);
        });
      },
    };
  }
}

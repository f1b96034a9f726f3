/** A packet as Nest's serializers exchange them. */
export type Packet = Record<string, unknown>;

/** Serializers that wrap what a packet carries, and unwrap it again. */
export interface Wrapping {
  readonly serializer: { serialize(packet: Packet): Packet | Promise<Packet> };
  readonly deserializer: { deserialize(packet: Packet): Packet | Promise<Packet> };
}

/**
 * @param how whether the results are promises; those of earlier packets take longer, so that only waiting for each in
 * turn keeps their order
 * @param onPacket is told of every packet, before it is changed
 */
export function wrapping(
  how: 'sync' | 'promised',
  by: string,
  onPacket: (packet: Packet) => void = () => {},
): Wrapping {
  let packets = 0;
  const given = (packet: Packet): Packet | Promise<Packet> => {
    if (how === 'sync') return packet;
    packets++;
    return turns(10 - (packets % 10)).then(() => packet);
  };
  return {
    serializer: {
      serialize: (packet) => {
        onPacket(packet);
        return given({ ...packet, ...changed(packet, (value) => ({ by, value })) });
      },
    },
    deserializer: {
      deserialize: (packet) => {
        onPacket(packet);
        return given({ ...packet, ...changed(packet, unwrapped) });
      },
    },
  };
}

function changed(packet: Packet, change: (value: unknown) => unknown): Packet {
  const fields = ['data', 'response'].filter((field) => packet[field] !== undefined);
  return Object.fromEntries(fields.map((field) => [field, change(packet[field])]));
}

function unwrapped(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('by' in value)) return value;
  return { seen: value.by, value: Reflect.get(value, 'value') };
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) {
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
}

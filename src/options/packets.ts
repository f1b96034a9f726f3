/** Nest's `Serializer`: may return a promise. */
export interface PacketSerializer {
  // Nest's own serializers take and give packets of any kind.
  // oxlint-disable-next-line typescript/no-explicit-any
  serialize(packet: any, options?: Record<string, any>): any;
}

/** Nest's `Deserializer`: may return a promise. */
export interface PacketDeserializer {
  // oxlint-disable-next-line typescript/no-explicit-any
  deserialize(packet: any, options?: Record<string, any>): any;
}

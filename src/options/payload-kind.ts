/** How the octets of a classic payload are read; the wire itself carries no type. */
export const PAYLOAD_KINDS = ['text', 'json', 'bytes'] as const;

/** `text`: UTF-8, a string. `json`: a JSON value. `bytes`: a Buffer. */
export type PayloadKind = (typeof PAYLOAD_KINDS)[number];

/** A classic frame as the latin1 text that a raw peer sees. */
export function frame(...fields: readonly string[]): string {
  const characters = fields.map((field) => Buffer.from(field).toString('latin1'));
  return `${characters.map((field) => `${field.length}\r\n${field}\r\n`).join('')}\r\n`;
}

/** Latin1 text as the octets that it stands for. */
export function octets(latin1: string): Buffer {
  return Buffer.from(latin1, 'latin1');
}

import type { Output } from './output.js';

/** Prints the values of an answer: text as it is, octets raw, all else as JSON. */
export class ValuePrinter {
  constructor(
    private readonly out: Output,
    private readonly notices: Output,
  ) {}

  async print(value: unknown): Promise<void> {
    if (value === undefined) return;
    if (typeof value === 'string') await this.out.line(value);
    else if (value instanceof Uint8Array) await this.printOctets(value);
    else await this.out.line(toText(value, this.out.isTerminal));
  }

  private async printOctets(octets: Uint8Array): Promise<void> {
    if (!this.out.isTerminal) {
      await this.out.write(octets);
      return;
    }
    const size = octets.byteLength === 1 ? '1 byte' : `${octets.byteLength} bytes`;
    await this.notices.line(`xtcp: ${size} of binary data, not shown on a terminal: send them to a file with >`);
  }
}

/** A value as JSON: for people in lines of its own, for programs in one. */
export function toText(value: unknown, isForPeople: boolean): string {
  return JSON.stringify(value, withBigInts, isForPeople ? 2 : undefined);
}

/** MessagePack has integers that JSON's readers would round. */
function withBigInts(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

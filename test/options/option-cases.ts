/** What an option takes and what it does not. */
export interface OptionCase {
  readonly name: string;
  readonly fallback: unknown;
  readonly takes: readonly unknown[];
  readonly refuses: readonly unknown[];
}

const NO_NUMBERS = ['1', '', null, true, Number.NaN, Number.POSITIVE_INFINITY, 1n, {}, [1], () => 1];

/** An option that takes a whole number from `least` to `most`. */
export function integer(name: string, fallback: number, least: number, most: number): OptionCase {
  return { name, fallback, takes: [least, most], refuses: [least - 1, most + 1, least + 0.5, ...NO_NUMBERS] };
}

/** An option in milliseconds, up to the most that a timer can. */
export function milliseconds(name: string, fallback: number): OptionCase {
  return integer(name, fallback, 0, 2_147_483_647);
}

/** The limits that both sides of a session have. */
export function sessionLimits(): OptionCase[] {
  return [
    integer('windowBytes', 256 * 1024, 65_536, 256 * 1024 * 1024),
    integer('maxAheadBytes', 1024 * 1024, 0, 256 * 1024 * 1024),
    milliseconds('keepAliveIntervalMs', 30_000),
    milliseconds('keepAliveTimeoutMs', 10_000),
    milliseconds('writeTimeoutMs', 30_000),
    integer('maxSendBufferSize', 64 * 1024 * 1024, 65_536, 2 ** 32),
    integer('maxControlFramesPerSecond', 1000, 1, 1_000_000),
    integer('maxFields', 16, 16, 1024),
    integer('maxPatternBytes', 1024, 1024, 65_536),
    integer('maxMetadataBytes', 8192, 8192, 1024 * 1024),
    integer('maxMetadataKeys', 64, 64, 65_536),
  ];
}

/** An option that takes a number from `least` to `most`, whole or not. */
export function number(name: string, fallback: number, least: number, most: number): OptionCase {
  const between = least + (most - least) / 3;
  return { name, fallback, takes: [least, between, most], refuses: [least - 0.01, most + 0.01, ...NO_NUMBERS] };
}

/** Values that are no function. */
export const NO_FUNCTIONS = ['', null, true, 1, {}, []];

export function payloadKind(): OptionCase {
  return {
    name: 'payload',
    fallback: 'text',
    takes: ['text', 'json', 'bytes'],
    refuses: ['', 'TEXT', 'xml', null, 1, ['text']],
  };
}

/** Sets of options with one wrong, each with a title. */
export function refusals(cases: readonly OptionCase[]): { title: string; name: string; options: object }[] {
  return cases.flatMap(({ name, refuses }) =>
    refuses.map((value) => ({ title: `${name}: ${describeValue(value)}`, name, options: { [name]: value } })),
  );
}

function describeValue(value: unknown): string {
  return typeof value === 'string' || Array.isArray(value) ? JSON.stringify(value) : String(value);
}

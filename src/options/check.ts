import { XtcpError } from '../errors/xtcp-error.js';

/** setTimeout's own limit; beyond it Node fires at once. */
export const LONGEST_MS = 2 ** 31 - 1;

/** What an option takes that is neither a flag nor left out. */
type OptionObject<Value> = Exclude<Value, boolean | undefined>;

/** Reads options one by one, each checked; for options that come from JavaScript and environment variables. */
export class OptionReader<Options extends object> {
  /** @param owner the class whose options they are, for messages */
  constructor(
    private readonly owner: string,
    private readonly options: Options,
    known: readonly (keyof Options & string)[],
  ) {
    if (typeof options !== 'object' || options === null) {
      throw new XtcpError('INVALID_ARGUMENT', `${owner}: the options are ${show(options)}, not an object`);
    }
    for (const name of Object.keys(options)) {
      if ((known as readonly string[]).includes(name)) continue;
      throw new XtcpError(
        'INVALID_ARGUMENT',
        `${owner}: there is no option ${JSON.stringify(name)}; there are ${known.join(', ')}`,
      );
    }
  }

  has(name: keyof Options & string): boolean {
    return this.options[name] !== undefined;
  }

  /** A whole number from `least` to `most`. */
  integer(name: keyof Options & string, fallback: number, least: number, most: number): number {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      throw this.wrong(name, `a whole number from ${least} to ${most}`);
    }
    return value as number;
  }

  /** Milliseconds, where 0 switches off. */
  milliseconds(name: keyof Options & string, fallback: number): number {
    return this.integer(name, fallback, 0, LONGEST_MS);
  }

  /** A number from `least` to `most`. */
  number(name: keyof Options & string, fallback: number, least: number, most: number): number {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value !== 'number' || !(value >= least && value <= most)) {
      throw this.wrong(name, `a number from ${least} to ${most}`);
    }
    return value;
  }

  text(name: keyof Options & string, fallback: string): string {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value !== 'string' || value === '') throw this.wrong(name, 'a text');
    return value;
  }

  flag(name: keyof Options & string, fallback: boolean): boolean {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value !== 'boolean') throw this.wrong(name, 'true or false');
    return value;
  }

  oneOf<Value extends string>(name: keyof Options & string, fallback: Value, values: readonly Value[]): Value {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (!(values as readonly unknown[]).includes(value)) throw this.wrong(name, values.join(', '));
    return value as Value;
  }

  /** An object, whatever its members. */
  object<Name extends keyof Options & string>(name: Name): Options[Name] | undefined {
    const value: unknown = this.options[name];
    if (value === undefined) return undefined;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw this.wrong(name, 'an object');
    return value as Options[Name];
  }

  /** A flag, or an object, whatever its members. */
  flagOrObject<Name extends keyof Options & string>(
    name: Name,
    fallback: boolean,
  ): boolean | OptionObject<Options[Name]> {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw this.wrong(name, 'true, false or an object');
    }
    return value as OptionObject<Options[Name]>;
  }

  /** A flag, or an object with a method of that name. */
  flagOrMethod<Name extends keyof Options & string>(
    name: Name,
    method: string,
    fallback: boolean,
  ): boolean | OptionObject<Options[Name]> {
    const value: unknown = this.options[name];
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    if (!hasMethod(value, method)) throw this.wrong(name, `true, false or an object with a method ${method}`);
    return value as OptionObject<Options[Name]>;
  }

  /** An object with a method of that name. */
  method<Name extends keyof Options & string>(name: Name, method: string): Options[Name] | undefined {
    const value: unknown = this.options[name];
    if (value === undefined) return undefined;
    if (!hasMethod(value, method)) throw this.wrong(name, `an object with a method ${method}`);
    return value as Options[Name];
  }

  /** A function, or one of the other types named. */
  functionOr<Name extends keyof Options & string>(
    name: Name,
    ...others: readonly 'string'[]
  ): Options[Name] | undefined {
    const value: unknown = this.options[name];
    if (value === undefined) return undefined;
    const types = ['function', ...others];
    if (!types.includes(typeof value) || value === '') throw this.wrong(name, `a ${types.join(' or a ')}`);
    return value as Options[Name];
  }

  /** Says that two options exclude each other. */
  notBoth(name: keyof Options & string, other: keyof Options & string): void {
    if (!this.has(name) || !this.has(other)) return;
    throw new XtcpError('INVALID_ARGUMENT', `${this.owner}: the options "${name}" and "${other}" exclude each other`);
  }

  private wrong(name: keyof Options & string, expected: string): XtcpError {
    return new XtcpError(
      'INVALID_ARGUMENT',
      `${this.owner}: the option "${name}" is ${show(this.options[name])}, but takes ${expected}`,
    );
  }
}

function hasMethod(value: unknown, method: string): boolean {
  return typeof value === 'object' && value !== null && typeof Reflect.get(value, method) === 'function';
}

function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 100));
  return value === null || ['number', 'boolean', 'undefined'].includes(typeof value)
    ? String(value)
    : `a ${typeof value}`;
}

import { lastValueFrom, type Observable } from 'rxjs';
import { expect } from 'vitest';

import { XtcpError } from '../../../src/index.js';

/** The error of something that has to fail. */
export async function failureOf(source: Observable<unknown> | Promise<unknown>): Promise<unknown> {
  let value: unknown;
  try {
    value = await (source instanceof Promise ? source : lastValueFrom(source, { defaultValue: undefined }));
  } catch (error) {
    return error;
  }
  throw new Error(`it should have failed, but gave ${JSON.stringify(value)}`);
}

/** The same, where the error has to be one of the transport itself. */
export async function xtcpFailureOf(source: Observable<unknown> | Promise<unknown>): Promise<XtcpError> {
  const error = await failureOf(source);
  expect(error).toBeInstanceOf(XtcpError);
  return error as XtcpError;
}

/** The `code` that Node gave an error. */
export function nodeCode(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

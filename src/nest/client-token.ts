import { Inject } from '@nestjs/common';

/** The token of the client that XtcpModule makes under `name`, for `app.get()` and for tests that replace it. */
export function getXtcpClientToken<Name extends string>(name: Name): `XtcpClient:${Name}` {
  return `XtcpClient:${name}`;
}

/**
 * Injects the client that XtcpModule makes under `name`:
 *
 *     constructor(@InjectXtcpClient('UPPER') private readonly upper: XtcpClient) {}
 *
 * Where the module in which this stands imports none of that name, Nest says so at the start.
 */
export function InjectXtcpClient(name: string): PropertyDecorator & ParameterDecorator {
  return Inject(getXtcpClientToken(name));
}

import { register, Registry } from 'prom-client';
import { lastValueFrom } from 'rxjs';
import { afterEach, expect, test } from 'vitest';

import { XtcpModule } from '../../src/index.js';
import { startService } from '../support/service.js';
import { sessionClient, startContext } from './applications.js';

afterEach(() => {
  register.clear();
});

test('metrics are kept from the start of the application to its end', async () => {
  const own = new Registry();
  const { app, port } = await startService({ imports: [XtcpModule.register({ metrics: { register: own } })] });

  await lastValueFrom(sessionClient(port).send('xtcp.health', ''));
  expect(await own.metrics()).toContain('xtcp_server_call_duration_seconds_count{pattern="xtcp.health",');
  expect(await own.metrics()).toContain('xtcp_client_calls_in_flight{pattern="xtcp.health"} 0\n');

  await app.close();
  expect(await own.metrics()).not.toContain('xtcp_');
});

test('metrics are kept in the default register where none is given, once for all registrations', async () => {
  await startContext([XtcpModule.register({ metrics: true }), XtcpModule.register({ metrics: true })], []);
  expect(register.getSingleMetric('xtcp_client_calls_in_flight')).toBeDefined();
});

test('no metrics are kept where nobody asks for them', async () => {
  await startContext([XtcpModule.register()], []);
  expect(register.getSingleMetric('xtcp_client_calls_in_flight')).toBeUndefined();
});

test('what metrics cannot take is refused at the start', async () => {
  expect(() => XtcpModule.register({ metrics: 'yes' as never })).toThrow('XtcpModule: the option "metrics" is "yes"');
  // Taken for options, a register would go unheard.
  expect(() => XtcpModule.register({ metrics: new Registry() as never })).toThrow(
    /^XtcpModule, the option "metrics": there is no option .*; there are register, prefix$/,
  );
  expect(() => XtcpModule.register({ metrics: { register: {} as never } })).toThrow('an object with a method');
  await expect(startContext([XtcpModule.register({ metrics: { prefix: '1' } })], [])).rejects.toThrow(
    'XtcpMetrics: the option "prefix"',
  );
});

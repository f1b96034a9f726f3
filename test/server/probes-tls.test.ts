import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { firstValueFrom } from 'rxjs';
import { describe, expect, onTestFinished, test } from 'vitest';

import { certificates } from '../support/certificates.js';
import { ask, curl, hasCurl } from './probing.js';
import { serving, type Serving } from './serving.js';

async function overTls(more: object = {}): Promise<Serving> {
  const { server } = await certificates();
  return serving({ probes: true, tlsOptions: { ...server, ...more } });
}

describe('probes over TLS', () => {
  test('are answered over HTTPS, beside calls', async () => {
    const { ca } = await certificates();
    const { port, client } = await overTls();
    expect(await firstValueFrom(client({ tlsOptions: { ca } }).send('echo', 'x'))).toBe('x');
    expect(await ask({ port, path: '/readyz', ca })).toMatchObject({ status: 200, text: 'ready\n' });
    expect((await ask({ port, path: '/metrics', ca })).text).toContain('xtcp_server_connections ');
  });

  test.skipIf(!hasCurl)('are answered to who does not look at the certificate, as a kubelet does not', async () => {
    const { port } = await overTls();
    expect(await curl('--insecure', `https://127.0.0.1:${port}/livez`)).toMatchObject({ code: 0, stdout: 'alive\n' });
  });

  test('are not answered without TLS', async () => {
    const { port } = await overTls();
    await expect(ask({ port, path: '/livez' })).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' });
  });

  test('are refused without the certificate that clients need, and answered with it', async () => {
    const { ca, client } = await certificates();
    const { port } = await overTls({ ca, requestCert: true });
    await expect(ask({ port, path: '/livez', ca })).rejects.toMatchObject({ code: 'HPE_INVALID_CONSTANT' });
    expect(await ask({ port, path: '/livez', ca, ...client })).toMatchObject({ status: 200, text: 'alive\n' });
  });

  test.skipIf(!hasCurl)('are refused to curl without that certificate', async () => {
    const { ca, client } = await certificates();
    const { port } = await overTls({ ca, requestCert: true });
    const url = `https://127.0.0.1:${port}/livez`;
    const folder = await mkdtemp(join(tmpdir(), 'xtcp-probes-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    writeFileSync(join(folder, 'client.pem'), `${client.cert}\n${client.key}\n`);
    const refused = await curl('--insecure', '--fail', url);
    expect([refused.code === 0, refused.stdout]).toEqual([false, '']);
    const taken = await curl('--insecure', '--fail', '--cert', join(folder, 'client.pem'), url);
    expect(taken).toMatchObject({ code: 0, stdout: 'alive\n' });
  });
});

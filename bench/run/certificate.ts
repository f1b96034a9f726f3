import { generate } from 'selfsigned';

import type { Certificate } from '../contenders/contender.js';

const DAY_MS = 24 * 60 * 60 * 1000;

/** Makes a key and a certificate for 127.0.0.1 that is good for a day. */
export async function makeCertificate(): Promise<Certificate> {
  const now = Date.now();
  const pems = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notBeforeDate: new Date(now - DAY_MS),
    notAfterDate: new Date(now + DAY_MS),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] },
    ],
  });
  return { key: pems.private, cert: pems.cert };
}

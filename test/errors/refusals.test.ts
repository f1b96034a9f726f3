import { expect, test } from 'vitest';

import {
  meetTls,
  readRefusal,
  refuseCertificate,
  refuseWithoutCertificate,
  refuseWithoutTls,
} from '../../src/errors/refusals.js';

test.each([
  [refuseWithoutTls(), 'the server speaks TLS; set tlsOptions'],
  [refuseWithoutCertificate(), 'the server wants a client certificate; set cert and key in tlsOptions'],
  [refuseCertificate('CERT_HAS_EXPIRED'), 'certificate has expired (CERT_HAS_EXPIRED)'],
  [refuseCertificate('CERT_NOT_YET_VALID'), 'certificate is not valid yet (CERT_NOT_YET_VALID)'],
  [refuseCertificate('CERT_REVOKED'), 'certificate has been revoked (CERT_REVOKED)'],
  [refuseCertificate('SELF_SIGNED_CERT_IN_CHAIN'), 'certificate is not trusted (SELF_SIGNED_CERT_IN_CHAIN)'],
  [refuseCertificate('ERR_TLS_CERT_ALTNAME_INVALID'), 'certificate is not trusted (ERR_TLS_CERT_ALTNAME_INVALID)'],
])('%s is told to its client in words for clients, with the promise that nothing ran', (said, told) => {
  expect(readRefusal(said.code, said.message)).toMatchObject({
    code: said.code,
    message: expect.stringContaining(told) as string,
    executed: false,
  });
});

test('what a handler says is no refusal, even where it passes on the error of its own call', () => {
  expect(readRefusal('UNAUTHENTICATED', 'who are you?')).toBeUndefined();
  expect(readRefusal('PERMISSION_DENIED', refuseWithoutCertificate().message)).toBeUndefined();
  expect(readRefusal(meetTls().code, meetTls().message)).toBeUndefined();
  const told = readRefusal('UNAUTHENTICATED', refuseWithoutCertificate().message)!;
  expect(readRefusal(told.code, told.message)).toBeUndefined();
  expect(readRefusal('UNAUTHENTICATED', `${refuseWithoutCertificate().message}\nand more`)).toBeUndefined();
});

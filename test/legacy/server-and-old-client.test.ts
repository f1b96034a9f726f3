import { describe, expect, it, vi } from 'vitest';

import { startService } from '../support/service.js';
import { frame } from './frames.js';
import { ODD_METHOD, OldMethods } from './old-methods.js';
import { hasPython, oldClient } from './python.js';

describe.skipIf(!hasPython)('our server, called by the client of xtcp 0.2', () => {
  it('answers what the demo of xtcp 0.2 asks', async () => {
    const { port } = await startService([OldMethods]);
    const exit = await oldClient(port, ['toupper', 'xiaoxiao', 'toupper', 'wo men dou shi hao hai zi']);
    expect(exit).toEqual({
      code: 0,
      signal: null,
      stdout: 'XIAOXIAO\nWO MEN DOU SHI HAO HAI ZI\n',
      stderr: '',
    });
  });

  it('answers in the very bytes that it expects', async () => {
    const { port } = await startService([OldMethods]);
    const { stdout } = await oldClient(port, ['toupper', 'xiaoxiao'], ['--raw']);
    expect(stdout).toBe('8\r\nXIAOXIAO\r\n\r\n');
  });

  it('counts bytes of UTF-8 as it does', async () => {
    const { port } = await startService([OldMethods]);
    const { stdout } = await oldClient(port, ['toupper', '你好', 'toupper', 'ärger'], ['--raw']);
    expect(stdout).toBe('6\r\n你好\r\n\r\n6\r\nÄRGER\r\n\r\n');
  });

  it('takes empty params, which an old server could not', async () => {
    const { port } = await startService([OldMethods]);
    expect(await oldClient(port, ['show', ''])).toMatchObject({ code: 0, stdout: '""' });
  });

  it('takes params with CRLF in them, which an old server could not', async () => {
    const { port } = await startService([OldMethods]);
    const { code, stdout } = await oldClient(port, ['show', 'one\r\n\r\ntwo\r\n']);
    expect({ code, text: JSON.parse(stdout) as unknown }).toEqual({ code: 0, text: 'one\r\n\r\ntwo\r\n' });
  });

  it('takes a method with characters that an old server refused', async () => {
    const { port } = await startService([OldMethods]);
    expect(await oldClient(port, [ODD_METHOD, 'x'])).toMatchObject({ code: 0, stdout: 'x' });
  });

  it('tells it of an unknown method, in a text that it can take', async () => {
    const { port } = await startService([OldMethods]);
    expect(await oldClient(port, ['nosuch', 'x'])).toMatchObject({
      code: 0,
      stdout: 'XTCP Server: UNIMPLEMENTED: There is no matching message handler defined in the remote service.',
    });
  });

  it('tells it of the error of a handler, in a text that it can take', async () => {
    const { port } = await startService([OldMethods]);
    expect(await oldClient(port, ['fail', 'x'])).toMatchObject({
      code: 0,
      stdout: 'XTCP Server: APPLICATION: {"status":"error","message":"bad name"}',
    });
  });

  it('answers with an empty frame where a handler returns nothing, at which an old client fails at once', async () => {
    const { port } = await startService([OldMethods]);
    const exit = await oldClient(port, ['nothing', 'x'], ['--raw']);
    // It reads up to the first CRLF CRLF and finds one piece too few.
    expect(exit).toMatchObject({ code: 1, stdout: frame('').slice(0, '0\r\n\r\n'.length) });
    expect(exit.stderr).toContain('malformed answer: 3 pieces');
  });

  it('answers with CRLF where a handler returns it, at which an old client fails at once', async () => {
    const { port } = await startService([OldMethods]);
    const exit = await oldClient(port, ['crlf', 'x'], ['--raw']);
    expect(exit).toMatchObject({ code: 1, stdout: '8\r\none\r\ntwo\r\n\r\n' });
    expect(exit.stderr).toContain('malformed answer: 5 pieces');
  });

  it('sends it a result of a megabyte whole', async () => {
    const { port } = await startService([OldMethods]);
    const { code, stdout } = await oldClient(port, ['big', '1048576']);
    expect({ code, length: stdout.length }).toEqual({ code: 0, length: 1_048_576 });
  });

  it('survives that it goes away in the middle of an answer that is too large for it', async () => {
    const { port } = await startService([OldMethods]);
    const exit = await oldClient(port, ['big', '4194304'], ['--max-response', '1000']);
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toContain('the answer is over 1000 bytes');
    expect(await oldClient(port, ['toupper', 'xiaoxiao'])).toMatchObject({ code: 0, stdout: 'XIAOXIAO' });
  });

  it('gives up on a call after halfCloseTimeoutMs when the client has', async () => {
    const { app, port } = await startService([OldMethods], { halfCloseTimeoutMs: 30 });
    const exit = await oldClient(port, ['hang', 'x'], ['--timeout', '0.1']);
    expect(exit).toMatchObject({ code: 1, stdout: '' });
    expect(exit.stderr).toContain('no answer within 0.1 s');
    const { called } = app.get(OldMethods);
    await vi.waitFor(() => {
      expect(called).toEqual(['hanging', 'hung']);
    });
  });

  it('answers many of them at once', async () => {
    const { app, port } = await startService([OldMethods]);
    const names = ['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'];
    const exits = await Promise.all(names.map((name) => oldClient(port, ['toupper', name], ['--timeout', '8'])));
    expect(exits.map(({ stdout }) => stdout)).toEqual(names.map((name) => name.toUpperCase()));
    expect(app.get(OldMethods).called).toHaveLength(names.length);
  });
});

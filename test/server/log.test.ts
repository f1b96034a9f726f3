import { expect, test } from 'vitest';

import { frameOf } from '../session/session-play.js';
import { hello, logged, serving, takeFrame } from './serving.js';

test('complaints about one address are written once, and counted for the end', async () => {
  const { raw, server } = await serving();
  const lines = logged();
  for (let count = 0; count < 5; count++) {
    const peer = await raw();
    peer.send(hello());
    await takeFrame(peer);
    peer.send(frameOf('Z'));
    await peer.takeAll();
    peer.socket.destroy();
  }
  const complaints = (): string[] => lines.all.filter((line) => line.includes('127.0.0.1'));
  expect(complaints()).toEqual([
    expect.stringMatching(
      /^Closing the connection of 127\.0\.0\.1:\d+: a frame has the kind Z, which is not known here$/,
    ),
  ]);
  await server.close();
  expect(complaints().slice(1)).toEqual(['4 more lines about 127.0.0.1 were not written']);
});

test('nothing that a client sends begins a line of its own in the log', async () => {
  const { raw } = await serving();
  const lines = logged();
  for (const bad of ['\n\u001b[2Jfake line\r\n', frameOf('xtcp', '1\nfake', '{}'), frameOf('xtcp', '1', '{\n"a')]) {
    const peer = await raw();
    peer.send(bad);
    await peer.takeAll();
    peer.socket.destroy();
  }
  expect(lines.all.length).toBeGreaterThan(0);
  // oxlint-disable-next-line no-control-regex
  for (const line of lines.all) expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f]|fake/);
});

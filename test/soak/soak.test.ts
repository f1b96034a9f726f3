import { expect, onTestFinished, test } from 'vitest';

import { startSoaked } from './service.js';
import { soak } from './soak.js';

test('a short soak finds nothing wrong; npm run soak goes on for longer', async () => {
  const { app, port } = await startSoaked();
  onTestFinished(() => app.close());
  const said: string[] = [];
  // In the tests there is no garbage collection at will, so that memory is not compared.
  const wrong = await soak({ port }, 2000, 300, (line) => said.push(line));
  expect({ wrong: wrong.filter((line) => !line.includes('memory')), said }).toMatchObject({ wrong: [] });
}, 30_000);

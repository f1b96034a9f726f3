import 'reflect-metadata';

import { figuresOfThis } from './figures.js';
import { startSoaked } from './service.js';

// The server's process of npm run soak: tells its port, and its figures whenever it is asked.

const { app, port } = await startSoaked();
process.on('message', () => {
  process.send?.({ figures: figuresOfThis() });
});
process.on('disconnect', () => {
  void app.close().then(() => process.exit());
});
process.send?.({ port });

/** Where the demo's service listens and its client calls: the environment's HOST and PORT, else 127.0.0.1:8001. */
export const address = {
  host: process.env['HOST'] ?? '127.0.0.1',
  port: Number(process.env['PORT'] ?? 8001),
};

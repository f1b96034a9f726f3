import type { Socket } from 'node:net';

/**
 * The TCP socket that carries a TLS socket of Node's; any other socket is its own. Node documents no way from the one
 * to the other, but its own sockets find their timers along this very property.
 */
export function underneath(socket: Socket): Socket {
  const parent: unknown = Reflect.get(socket, '_parent');
  return isSocket(parent) ? parent : socket;
}

function isSocket(value: unknown): value is Socket {
  return typeof value === 'object' && value !== null && 'resetAndDestroy' in value;
}

import { XtcpError } from '../errors/xtcp-error.js';

interface ConnectionLimits {
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** Counts the connections that are open, in all and by address, and says which are too many. */
export class ConnectionPlaces {
  private open = 0;
  private readonly byAddress = new Map<string, number>();

  constructor(private readonly limits: ConnectionLimits) {}

  /**
   * Takes a place for a connection, to be given back by {@link free}.
   * @param address the IP address that it comes from; undefined for a Unix domain socket
   * @returns why there is none, if so: RESOURCE_EXHAUSTED
   */
  take(address: string | undefined): XtcpError | undefined {
    const { maxConnections, maxConnectionsPerAddress } = this.limits;
    if (this.open >= maxConnections) return tooMany(`${maxConnections} connections are open (maxConnections)`);
    if (address !== undefined) {
      const here = this.byAddress.get(address) ?? 0;
      if (here >= maxConnectionsPerAddress) {
        return tooMany(`${maxConnectionsPerAddress} connections from its address are open (maxConnectionsPerAddress)`);
      }
      this.byAddress.set(address, here + 1);
    }
    this.open++;
    return undefined;
  }

  free(address: string | undefined): void {
    this.open--;
    if (address === undefined) return;
    const here = this.byAddress.get(address) ?? 0;
    if (here > 1) this.byAddress.set(address, here - 1);
    else this.byAddress.delete(address);
  }
}

function tooMany(message: string): XtcpError {
  return new XtcpError('RESOURCE_EXHAUSTED', message, { executed: false });
}

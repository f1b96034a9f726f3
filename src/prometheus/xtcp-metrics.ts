import { XtcpError } from '../errors/xtcp-error.js';
import { Collection } from './collection.js';
import { requirePrometheus, type Prometheus, type Register } from './prom-client.js';
import { countClients, countServers } from './sides.js';

export interface XtcpMetricsOptions {
  /** Where the metrics are kept. Default: the default register of prom-client. */
  register?: Register | undefined;
  /** Stands before the name of each metric: `[a-zA-Z_:][a-zA-Z0-9_:]*`. Default: nothing, so that they are `xtcp_…`. */
  prefix?: string | undefined;
}

/** Metrics that some {@link XtcpMetrics} have in common. */
interface Shared {
  readonly collection: Collection;
  users: number;
}

/** By register, then by prefix. */
const shared = new WeakMap<Register, Map<string, Shared>>();

/**
 * Keeps metrics of all clients and servers of this process in a register of prom-client, from now on: make it before
 * they connect and listen. docs/metrics.md has the list. Those on one register with one prefix share their metrics.
 */
export class XtcpMetrics {
  private readonly release: () => void;
  private readonly own: Shared;

  /**
   * @throws {XtcpError} INVALID_ARGUMENT where prom-client is not installed, an option is wrong, or the register has a
   * metric of the same name that is not one of these
   */
  constructor({ register, prefix = '' }: XtcpMetricsOptions = {}) {
    const prometheus = requirePrometheus('XtcpMetrics');
    if (typeof prefix !== 'string' || !/^(?:[a-zA-Z_:][a-zA-Z0-9_:]*)?$/.test(prefix)) {
      throw new XtcpError(
        'INVALID_ARGUMENT',
        'XtcpMetrics: the option "prefix" takes letters, digits, _ and :, of which a digit is not the first',
      );
    }
    const where = register ?? prometheus.register;
    const byPrefix = shared.get(where) ?? new Map<string, Shared>();
    shared.set(where, byPrefix);
    this.own = startedOf(byPrefix.get(prefix)) ?? start(prometheus, where, prefix);
    byPrefix.set(prefix, this.own);
    this.own.users++;
    let stopped = false;
    this.release = () => {
      if (stopped) return;
      stopped = true;
      if (--this.own.users > 0) return;
      this.own.collection.stop();
      if (byPrefix.get(prefix) === this.own) byPrefix.delete(prefix);
    };
  }

  /** Counts no more, and takes the metrics out of the register, unless another one shares them. */
  stop(): void {
    this.release();
  }

  /** Whether the register has not lost them, as by its `clear()`. @internal */
  get isWhole(): boolean {
    return this.own.collection.isWhole;
  }
}

/** Metrics that go on; undefined where there are none, or their register was cleared, behind which nobody sees them. */
function startedOf(found: Shared | undefined): Shared | undefined {
  if (found === undefined || found.collection.isWhole) return found;
  found.collection.stop();
  return undefined;
}

function start(prometheus: Prometheus, register: Register, prefix: string): Shared {
  const collection = new Collection(prometheus, register, prefix);
  try {
    countClients(collection);
    countServers(collection);
  } catch (error) {
    collection.stop();
    throw error;
  }
  return { collection, users: 0 };
}

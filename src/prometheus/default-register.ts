import { findPrometheus, type Register } from './prom-client.js';
import { XtcpMetrics } from './xtcp-metrics.js';

let metrics: XtcpMetrics | undefined;

/**
 * The default register of prom-client with this package's metrics in it, which are kept from the first time on that
 * somebody asks; undefined where prom-client is not installed.
 */
export function defaultRegister(): Register | undefined {
  const register = findPrometheus()?.register;
  if (register === undefined) return undefined;
  if (metrics?.isWhole !== true) {
    metrics?.stop();
    metrics = new XtcpMetrics();
  }
  return register;
}

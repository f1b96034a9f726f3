import { OptionReader } from './check.js';

/** What `/metrics` serves: a `Registry` of prom-client, or what gives text in the same way. */
export interface MetricsRegister {
  metrics(): Promise<string>;
  /** The media type of that text. */
  readonly contentType: string;
}

export interface ProbesOptions {
  /**
   * What `/metrics` serves: true for the default register of prom-client, where that is installed, with what
   * `XtcpMetrics` (`nestjs-xtcp/prometheus`) keeps in it; a register for what is in that; false for there to be no
   * `/metrics`. Default true; with `authenticate` it has to be asked for, since whoever asks over HTTP says nothing of
   * itself.
   */
  metrics?: boolean | MetricsRegister | undefined;
}

/** Probes with nothing left open. */
export interface ResolvedProbes {
  /** `default`: the default register of prom-client. `withheld`: nobody has decided whether strangers may see it. */
  readonly metrics: MetricsRegister | 'default' | 'withheld' | 'none';
}

/** @param authenticates whether the server lets only those in whom it knows */
export function readProbes(
  read: OptionReader<{ probes?: boolean | ProbesOptions | undefined }>,
  authenticates: boolean,
): ResolvedProbes | undefined {
  const given = read.flagOrObject('probes', false);
  if (given === false) return undefined;
  const inner = new OptionReader<ProbesOptions>('XtcpServer, the option "probes"', given === true ? {} : given, [
    'metrics',
  ]);
  const metrics = inner.flagOrMethod('metrics', 'metrics', !authenticates);
  if (typeof metrics === 'object') return { metrics };
  if (metrics) return { metrics: 'default' };
  return { metrics: inner.has('metrics') ? 'none' : 'withheld' };
}

export { XtcpMetrics, type XtcpMetricsOptions } from './xtcp-metrics.js';

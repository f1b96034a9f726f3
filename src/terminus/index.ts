export { XtcpHealthIndicator, type XtcpHealthData, type XtcpPingCheckOptions } from './xtcp.health.js';

export type { Clock } from '../clock/clock.js';
export type { Direction } from './conditions.js';
export { XtcpTestNetwork, type XtcpTestNetworkOptions } from './xtcp-test-network.js';

export { XtcpInstrumentation, type XtcpInstrumentationConfig } from './instrumentation.js';

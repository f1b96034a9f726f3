export { XtcpClient, type XtcpClientEvents, type XtcpClientStatus } from './client/xtcp-client.js';
export { XtcpRecord, XtcpRecordBuilder, type XtcpCallOptions } from './client/xtcp-record.js';
export { XTCP_ERROR_CODES, XtcpError, type XtcpErrorCode, type XtcpErrorContext } from './errors/xtcp-error.js';
export type { ClientConnectionEvent, ServerConnectionEvent } from './observe/connections.js';
export type { MetadataBounds, ObservedClientCall } from './observe/client-call.js';
export type { CallOutcome, ObservedCall } from './observe/observed-call.js';
export type { ObservedServerCall, RefusedServerCall, ServerCallStart } from './observe/server-call.js';
export type { Authenticate, ClientHello, ClientPeer } from './options/authenticate.js';
export type { Auth, Codec, EventAck, Protocol, XtcpClientOptions } from './options/client-options.js';
export type { EndpointOptions } from './options/endpoint.js';
export type { PayloadKind } from './options/payload-kind.js';
export type { XtcpServerOptions } from './options/server-options.js';
export type { HealthAnswer, HealthStatus, ServerHealth, ServingStatus } from './server/health.js';
export type { XtcpExtras } from './server/router.js';
export type { DescribePayload, PayloadDescription, XtcpPattern, XtcpPatterns } from './server/reflection.js';
export { getXtcpClientToken, InjectXtcpClient } from './nest/client-token.js';
export { drainOnSignals, type DrainOptions } from './nest/drain-on-signals.js';
export { HttpToXtcpFilter } from './nest/http-to-xtcp.filter.js';
export { IteratorErrorsInterceptor } from './nest/iterator-errors.interceptor.js';
export type {
  XtcpClientDefinition,
  XtcpModuleAsyncOptions,
  XtcpModuleExtras,
  XtcpModuleMetrics,
  XtcpModuleOptions,
  XtcpOptionsFactory,
} from './nest/module-options.js';
export { XtcpHealth } from './nest/xtcp-health.js';
export { XtcpModule } from './nest/xtcp.module.js';
export { toHttpException, XtcpToHttpFilter } from './nest/xtcp-to-http.filter.js';
export { XTCP } from './server/transport-id.js';
export { XtcpContext } from './server/xtcp-context.js';
export { XtcpException } from './server/xtcp-exception.js';
export { XtcpServer, type XtcpServerEvents, type XtcpServerStatus } from './server/xtcp-server.js';

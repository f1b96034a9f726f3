/** The transport id of {@link XtcpServer}: `@MessagePattern('toupper', XTCP)` binds a handler to it alone. */
export const XTCP = Symbol.for('nestjs-xtcp');

/** Default of `maxFrameBytes` on both sides: 16 MiB. */
export const DEFAULT_MAX_FRAME_BYTES = 16 * 1024 * 1024;
/** The most that `maxFrameBytes` may be: a frame has to fit into one string, and V8's hold about 512 Mi characters. */
export const GREATEST_MAX_FRAME_BYTES = 256 * 1024 * 1024;

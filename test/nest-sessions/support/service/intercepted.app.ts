export { InterceptedErrorsModule as module, prepare } from './errors.app.js';

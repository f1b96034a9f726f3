import { wrapping } from './wrapping.js';

export { module } from './serializers.app.js';

export const options = wrapping('promised', 'server');

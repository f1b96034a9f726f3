import { createRequire } from 'node:module';

import { XtcpError } from '../errors/xtcp-error.js';
import type { Packer } from './codec.js';

let loaded: Packer | undefined;
let missing = false;

/** MessagePack, where the optional peer dependency msgpackr is installed. */
export function findMsgpack(): Packer | undefined {
  if (loaded === undefined && !missing) {
    try {
      const { Packr } = createRequire(import.meta.url)('msgpackr') as {
        Packr: new (options: object) => Packer;
      };
      // Plain MessagePack: no extension types but the timestamp (docs/protocol.md, "Codecs").
      loaded = new Packr({ useRecords: false, mapsAsObjects: true, encodeUndefinedAsNil: true });
    } catch {
      missing = true;
    }
  }
  return loaded;
}

/** As {@link findMsgpack}. @throws {XtcpError} INVALID_ARGUMENT where msgpackr is not installed. */
export function requireMsgpack(asker: string): Packer {
  const packer = findMsgpack();
  if (packer !== undefined) return packer;
  throw new XtcpError('INVALID_ARGUMENT', `${asker} needs the package msgpackr: npm install msgpackr`);
}

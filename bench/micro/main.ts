import { weighCalls } from './calls.js';
import { measureDecoder, type Slicing } from './decoder.js';
import { measureEncoder } from './encoder.js';
import { PAYLOAD_KINDS } from './frames.js';

const SIZES: Readonly<Record<string, number>> = { '32 B': 32, '1 KB': 1024, '64 KB': 65_536, '1 MB': 1_048_576 };
const SLICINGS: Readonly<Record<Slicing, string>> = { sockets: '64 KB pieces', bad: 'pieces of 1 to 97 B' };

function row(...cells: readonly string[]): void {
  const [what = '', ...figures] = cells;
  process.stdout.write(`${what.padEnd(44)}${figures.map((figure) => figure.padStart(14)).join('')}\n`);
}

function whole(number: number): string {
  return Math.round(number).toLocaleString('en');
}

row('decoder', 'frames/s', 'MB/s', 'copy, MB/s', 'B/frame');
for (const slicing of Object.keys(SLICINGS) as Slicing[]) {
  for (const kind of PAYLOAD_KINDS) {
    for (const [size, bytes] of Object.entries(SIZES)) {
      const figures = measureDecoder({ kind, bytes }, slicing);
      row(
        `${size} ${kind}, ${SLICINGS[slicing]}`,
        whole(figures.framesPerSecond),
        whole(figures.megabytesPerSecond),
        whole(figures.copyMegabytesPerSecond),
        whole(figures.bytesPerFrame),
      );
    }
  }
}
row('encoder', 'frames/s', 'MB/s', '', 'B/frame');
for (const kind of PAYLOAD_KINDS) {
  for (const [size, bytes] of Object.entries(SIZES)) {
    const figures = measureEncoder({ kind, bytes });
    row(
      `${size} ${kind}`,
      whole(figures.framesPerSecond),
      whole(figures.megabytesPerSecond),
      '',
      whole(figures.bytesPerFrame),
    );
  }
}
const { bytesPerCall, ownBytesPerCall } = await weighCalls();
row('a call of 32 B, 64 in flight', '', '', '', 'B/call');
row('client and server, with Nest, RxJS and Node', '', '', '', whole(bytesPerCall));
row('of it this package', '', '', '', whole(ownBytesPerCall));

import { describe, expect, it, vi } from 'vitest';

import { inheritedOptions, XtcpRecord, XtcpRecordBuilder } from '../../src/client/xtcp-record.js';
import type { CurrentCall } from '../../src/async/current-call.js';

const current = (deadline?: number, metadata?: Record<string, string>): CurrentCall => ({
  deadline,
  getMetadata: () => metadata,
});

describe('a record', () => {
  it('is its data with the options that were set', () => {
    const { signal } = new AbortController();
    const onMetadata = vi.fn<() => void>();
    const record = new XtcpRecordBuilder({ a: 1 })
      .setMetadata({ k: 'v' })
      .setTimeout(500)
      .setCodec('msgpack')
      .setAck('handled')
      .setSignal(signal)
      .setOnMetadata(onMetadata)
      .build();
    expect(record).toBeInstanceOf(XtcpRecord);
    expect(record).toEqual({
      data: { a: 1 },
      options: { metadata: { k: 'v' }, timeoutMs: 500, codec: 'msgpack', ack: 'handled', signal, onMetadata },
    });
  });

  it('may have null and undefined for data, and no options', () => {
    expect(new XtcpRecordBuilder(null).build()).toEqual({ data: null, options: {} });
    expect(new XtcpRecordBuilder(undefined).build()).toEqual({ data: undefined, options: {} });
  });

  it('gathers metadata, the later value of a key in the place of the earlier', () => {
    const { options } = new XtcpRecordBuilder('a')
      .setMetadata({ a: '1', b: '1' })
      .setMetadata({ b: '2', c: '2' })
      .build();
    expect(options.metadata).toEqual({ a: '1', b: '2', c: '2' });
  });

  it('that was built does not change when its builder goes on, nor with what was given', () => {
    const builder = new XtcpRecordBuilder('a');
    const given = { k: 'v' };
    const record = builder.setMetadata(given).build();
    builder.setMetadata({ later: '1' }).setTimeout(1);
    given.k = 'changed';
    expect(record.options).toEqual({ metadata: { k: 'v' } });
  });

  it('inherits from the call that a handler answers', () => {
    const { options } = new XtcpRecordBuilder('a')
      .setTimeout(500)
      .setMetadata({ own: 'x' })
      .inherit(current(300, { trace: 't' }))
      .build();
    expect(options).toEqual({ timeoutMs: 300, metadata: { trace: 't', own: 'x' } });
  });
});

describe('what is inherited', () => {
  it.each([
    ['what is left of the deadline', undefined, 300, 300],
    ['the own timeout, where that is less', 200, 300, 200],
    ['what is left, where that is less', 400, 300, 300],
    ['the own timeout, where there is no deadline', 400, undefined, 400],
    ['none at all', undefined, undefined, undefined],
    ['nothing left', 400, 0, 0],
  ])('is %s', (_what, own, left, timeoutMs) => {
    expect(inheritedOptions({ timeoutMs: own }, current(left)).timeoutMs).toBe(timeoutMs);
  });

  it('is all metadata, or that of the keys which are named; what a call says itself comes before it', () => {
    const call = current(undefined, { trace: 't', tenant: 'x', secret: 's' });
    const options = { metadata: { tenant: 'own' } };
    expect(inheritedOptions(options, call).metadata).toEqual({ trace: 't', tenant: 'own', secret: 's' });
    expect(inheritedOptions(options, call, ['trace', 'none']).metadata).toEqual({ trace: 't', tenant: 'own' });
    expect(inheritedOptions({}, call, []).metadata).toEqual({});
    expect(inheritedOptions({}, current()).metadata).toEqual({});
  });

  it('leaves the other options and the call as they were', () => {
    const metadata = { trace: 't' };
    const options = { ack: 'none', metadata: { a: '1' } } as const;
    const inherited = inheritedOptions(options, current(5, metadata));
    expect(inherited.ack).toBe('none');
    expect([options, metadata]).toEqual([{ ack: 'none', metadata: { a: '1' } }, { trace: 't' }]);
  });

  it('is metadata alone, whatever its keys are called', () => {
    const metadata = JSON.parse('{"__proto__":"p"}') as Record<string, string>;
    const inherited = inheritedOptions({}, current(undefined, metadata)).metadata ?? {};
    expect(Object.entries(inherited)).toEqual([['__proto__', 'p']]);
  });
});

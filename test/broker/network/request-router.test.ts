import { describe, expect, it } from '@jest/globals';
import { CLOSE_CONNECTION, defineHandler, type Handler, NO_RESPONSE } from '../../../src/broker/network/handler.js';
import { type Peer, RequestRouter } from '../../../src/broker/network/request-router.js';
import { NestdawError } from '../../../src/common/errors.js';
import { silentLogger } from '../../../src/common/logger.js';
import { type Api, type RequestInput } from '../../../src/protocol/api.js';
import { encodeRequestFrame, encodeResponseFrame } from '../../../src/protocol/frame.js';
import { ApiVersions, CreateTopics, Heartbeat, Produce } from '../../../src/protocol/messages/index.js';
import { RecordingLogger } from '../../support/fake-clients.js';

const peer: Peer = {
  clientHost: '/127.0.0.1',
  advertised: { host: 'localhost', port: 1 },
  closed: new AbortController().signal,
};

function frameOf<A extends Api>(api: A, version: number, request: RequestInput<A>, correlationId = 1): Buffer {
  return Buffer.concat(encodeRequestFrame(api, version, correlationId, 'c', request)).subarray(4);
}

const heartbeat = frameOf(Heartbeat, 3, { groupId: 'g', generationId: 1, memberId: 'm' });

function router(...handlers: Handler[]): RequestRouter {
  return new RequestRouter(handlers, silentLogger);
}

const serving = (handle: Handler<typeof Heartbeat>['handle'], more: Partial<Handler<typeof Heartbeat>> = {}) =>
  defineHandler<typeof Heartbeat>({ api: Heartbeat, minVersion: 0, maxVersion: 4, handle, ...more });

const hex = (answer: unknown) => Buffer.concat(answer as Buffer[]).toString('hex');
const errorAnswer = (errorCode: number) => hex(encodeResponseFrame(Heartbeat, 3, 1, { errorCode }));

describe('RequestRouter', () => {
  it('answers at once when the handler does, and later when it waits', async () => {
    const atOnce = router(serving(() => ({ errorCode: 27 }))).handle(heartbeat, peer);
    expect(hex(atOnce)).toBe(errorAnswer(27));
    const later = router(serving(async () => ({ errorCode: 25 }))).handle(heartbeat, peer);
    expect(later).toBeInstanceOf(Promise);
    expect(hex(await later)).toBe(errorAnswer(25));
  });

  it('tells the handler who asks', () => {
    const seen: unknown[] = [];
    const handler = serving((request, context) => {
      seen.push(request.groupId, context.clientId, context.apiVersion, context.clientHost);
      return { errorCode: 0 };
    });
    void router(handler).handle(heartbeat, peer);
    expect(seen).toEqual(['g', 'c', 3, '/127.0.0.1']);
  });

  it('closes on what is not served, and on what cannot be read', () => {
    const served = router(serving(() => ({ errorCode: 0 }), { maxVersion: 2 }));
    expect(served.handle(heartbeat, peer)).toBe('close');
    expect(served.handle(frameOf(Produce, 9, { acks: 1, timeoutMs: 1, topicData: [] }), peer)).toBe('close');
    expect(served.handle(Buffer.from('00', 'hex'), peer)).toBe('close');
    expect(
      served.handle(frameOf(Heartbeat, 2, { groupId: 'g', generationId: 1, memberId: 'm' }).subarray(0, 13), peer),
    ).toBe('close');
  });

  it('answers an ApiVersions of the future in the oldest layout', () => {
    const apiVersions = defineHandler<typeof ApiVersions>({
      api: ApiVersions,
      minVersion: 0,
      maxVersion: 4,
      handle: () => ({ errorCode: 0, apiKeys: [] }),
    });
    const request = Buffer.from('001200630000000100016300ff', 'hex');
    expect(hex(router(apiVersions).handle(request, peer))).toBe('00000010000000010023000000010012' + '00000004');
  });

  it('turns what a handler throws into its error answer', async () => {
    const errorResponse = (_request: unknown, errorCode: number) => ({ errorCode });
    const logger = new RecordingLogger();
    const thrower = (error: Error) =>
      new RequestRouter([serving(() => Promise.reject(error), { errorResponse })], logger);
    expect(hex(await thrower(new Error('bug')).handle(heartbeat, peer))).toBe(errorAnswer(-1));
    expect(logger.lines).toEqual(["error Heartbeat v3 of 'c' at /127.0.0.1 failed with UNKNOWN_SERVER_ERROR: bug"]);
    const disk = new NestdawError('KAFKA_STORAGE_FAILED', 'disk full');
    expect(hex(await thrower(disk).handle(heartbeat, peer))).toBe(errorAnswer(56));
    const sync = serving(() => {
      throw disk;
    });
    expect(router(sync).handle(heartbeat, peer)).toBe('close');
  });

  it('turns an answer that cannot be written into the error answer', () => {
    const handler = defineHandler<typeof CreateTopics>({
      api: CreateTopics,
      minVersion: 2,
      maxVersion: 7,
      handle: () => ({ throttleTimeMs: 0.5, topics: null as never }),
      errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, topics: [{ name: 't', errorCode }] }),
    });
    const request = frameOf(CreateTopics, 2, { topics: [], validateOnly: false });
    const expected = encodeResponseFrame(CreateTopics, 2, 1, {
      throttleTimeMs: 0,
      topics: [{ name: 't', errorCode: -1 }],
    });
    expect(hex(router(handler).handle(request, peer))).toBe(hex(expected));
  });

  it('lets a handler say nothing, or end the connection', async () => {
    expect(await router(serving(() => NO_RESPONSE)).exchange(heartbeat, peer)).toBeUndefined();
    expect(await router(serving(() => CLOSE_CONNECTION)).exchange(heartbeat, peer)).toBe('close');
  });
});

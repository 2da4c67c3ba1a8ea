import { type Handler, type RequestContext } from '../../src/broker/network/handler.js';
import { type Api, type RequestInput, type ResponseOf } from '../../src/protocol/api.js';
import { WireReader } from '../../src/protocol/wire-reader.js';

// One request through a handler and over the wire in both directions: what a version does not carry is lost, what
// it cannot carry throws.

export async function exchange<A extends Api>(
  handler: Handler<A>,
  apiVersion: number,
  request: RequestInput<A>,
  context: Partial<RequestContext> = {},
): Promise<ResponseOf<A>> {
  const { api } = handler;
  const asked = api.request.decode(new WireReader(api.request.toBuffer(apiVersion, request as never)), apiVersion);
  const answer = await handler.handle(asked as never, contextOf(apiVersion, context));
  return overTheWire(handler, apiVersion, answer);
}

/** What is answered when the handler throws. */
export function failure<A extends Api>(
  handler: Handler<A>,
  apiVersion: number,
  request: RequestInput<A>,
  errorCode: number,
): ResponseOf<A> {
  const { api } = handler;
  const asked = api.request.decode(new WireReader(api.request.toBuffer(apiVersion, request as never)), apiVersion);
  return overTheWire(handler, apiVersion, handler.errorResponse!(asked as never, errorCode, contextOf(apiVersion, {})));
}

function overTheWire<A extends Api>({ api }: Handler<A>, apiVersion: number, answer: unknown): ResponseOf<A> {
  const reader = new WireReader(api.response.toBuffer(apiVersion, answer as never));
  const read = api.response.decode(reader, apiVersion);
  if (reader.remaining > 0) throw new Error(`${reader.remaining} bytes left over`);
  return read as ResponseOf<A>;
}

function contextOf(apiVersion: number, context: Partial<RequestContext>): RequestContext {
  return {
    apiVersion,
    clientId: 'c',
    clientHost: '/127.0.0.1',
    advertised: { host: 'here', port: 9092 },
    closed: new AbortController().signal,
    ...context,
  };
}

/** Every version that a handler serves. */
export function versionsOf({ minVersion, maxVersion }: Handler): number[] {
  return Array.from({ length: maxVersion - minVersion + 1 }, (_, i) => minVersion + i);
}

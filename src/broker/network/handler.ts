import { type Api, type RequestOf, type ResponseInput } from '../../protocol/api.js';

// The form of a handler: one API, the versions it serves, and a function from request to answer. Handlers return;
// order of answers and the silence of acks=0 belong to the connection.

/** What a handler may know of where a request came from. */
export interface RequestContext {
  readonly apiVersion: number;
  /** As the client calls itself; empty when it says nothing. */
  readonly clientId: string;
  /** Kafka's spelling of the peer's address: `/127.0.0.1`. */
  readonly clientHost: string;
  /** Address that clients of this connection reach the broker under (advertised for the listener they came in by). */
  readonly advertised: { readonly host: string; readonly port: number };
  /** Aborts when the connection is gone, so that parked requests can be dropped. */
  readonly closed: AbortSignal;
}

/** Returned instead of an answer: nothing is sent (Produce with acks=0). */
export const NO_RESPONSE = Symbol('no response');
/** Returned instead of an answer: the connection is closed (an acks=0 request that failed). */
export const CLOSE_CONNECTION = Symbol('close connection');

export type HandlerResult<A extends Api> = ResponseInput<A> | typeof NO_RESPONSE | typeof CLOSE_CONNECTION;

export interface Handler<A extends Api = any> {
  readonly api: A;
  /** Versions advertised and served; never more than the behaviour keeps. */
  readonly minVersion: number;
  readonly maxVersion: number;
  handle(request: RequestOf<A>, context: RequestContext): HandlerResult<A> | Promise<HandlerResult<A>>;
  /**
   * The answer that carries this error code in every place that has one; sent when `handle` throws. Without it the
   * connection is closed.
   */
  errorResponse?(request: RequestOf<A>, errorCode: number, context: RequestContext): ResponseInput<A>;
}

export function defineHandler<A extends Api>(handler: Handler<A>): Handler<A> {
  return handler;
}

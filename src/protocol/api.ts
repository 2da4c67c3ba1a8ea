import { type Fields, type InputOf, type MessageOf } from './schema.js';
import { MessageCodec } from './schema-compiler.js';

// One request and its answer: the shape that every file of messages/ fills in.

export interface Api<Q extends Fields = any, R extends Fields = any> {
  /** The number on the wire. */
  readonly key: number;
  readonly name: string;
  /** Versions that the tables describe. What the broker serves may be less. */
  readonly minVersion: number;
  readonly maxVersion: number;
  /** First version with compact types and tagged fields (KIP-482); Infinity when there is none. */
  readonly flexibleFrom: number;
  readonly request: MessageCodec<Q>;
  readonly response: MessageCodec<R>;
}

export interface ApiTable<Q extends Fields, R extends Fields> {
  readonly key: number;
  readonly name: string;
  readonly versions: readonly [min: number, max: number];
  readonly flexibleFrom?: number;
  readonly request: Q;
  readonly response: R;
}

export function defineApi<Q extends Fields, R extends Fields>(table: ApiTable<Q, R>): Api<Q, R> {
  const flexibleFrom = table.flexibleFrom ?? Number.POSITIVE_INFINITY;
  return {
    key: table.key,
    name: table.name,
    minVersion: table.versions[0],
    maxVersion: table.versions[1],
    flexibleFrom,
    request: new MessageCodec(`${table.name} request`, table.request, flexibleFrom),
    response: new MessageCodec(`${table.name} response`, table.response, flexibleFrom),
  };
}

/** The request as the broker reads it. */
export type RequestOf<A> = A extends Api<infer Q, any> ? MessageOf<Q> : never;
/** The request as a client writes it. */
export type RequestInput<A> = A extends Api<infer Q, any> ? InputOf<Q> : never;
/** The answer as a client reads it. */
export type ResponseOf<A> = A extends Api<any, infer R> ? MessageOf<R> : never;
/** The answer as the broker writes it. */
export type ResponseInput<A> = A extends Api<any, infer R> ? InputOf<R> : never;

import { type Api, type RequestInput, type ResponseInput, type ResponseOf } from './api.js';
import { WireReader } from './wire-reader.js';
import { WireWriter } from './wire-writer.js';

export { FrameSplitter } from './frame-splitter.js';

// A message with its header: what travels between the size prefixes. Flexible versions have header v2 (request)
// and v1 (response), which end with a tagged section. The answer to ApiVersions never has one: a client reads it
// before it knows what the broker speaks.

/** Of the size in front of a frame. */
export const SIZE_PREFIX_BYTES = 4;
/** Of the header of an answer, as far as every answer has it. */
export const CORRELATION_ID_BYTES = 4;
const API_VERSIONS = 18;

const headerHasTags = (api: Api, version: number): boolean => version >= api.flexibleFrom && api.key !== API_VERSIONS;

/** A request as it goes on the wire, size prefix included. */
export function encodeRequestFrame<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  clientId: string | null,
  request: RequestInput<A>,
): Buffer[] {
  const body = requestBody(api, version, request);
  return [requestHead(api, version, correlationId, clientId, bytesOf(body)), ...body];
}

/** Everything after the client id: the header's tagged section, in flexible versions, and the body. */
export function requestBody<A extends Api>(api: A, version: number, request: RequestInput<A>): Buffer[] {
  const writer = new WireWriter();
  if (version >= api.flexibleFrom) writer.uvarint(0);
  api.request.encode(writer, version, request);
  return writer.finish();
}

/** What stands before a body of that many bytes: size prefix, and the header up to the client id. */
export function requestHead(
  api: Api,
  version: number,
  correlationId: number,
  clientId: string | null,
  bodyBytes: number,
): Buffer {
  const writer = new WireWriter();
  writer.i32(0);
  writer.i16(api.key);
  writer.i16(version);
  writer.i32(correlationId);
  // A classic string even in header v2.
  writer.nullableString(clientId);
  const size = writer.size - 4 + bodyBytes;
  const [head] = writer.finish();
  head!.writeInt32BE(size, 0);
  return head!;
}

/** An answer as it goes on the wire, size prefix included. */
export function encodeResponseFrame<A extends Api>(
  api: A,
  version: number,
  correlationId: number,
  response: ResponseInput<A>,
): Buffer[] {
  const writer = new WireWriter();
  writer.i32(0);
  writer.i32(correlationId);
  if (headerHasTags(api, version)) writer.uvarint(0);
  api.response.encode(writer, version, response);
  return framed(writer);
}

/** Reads an answer from the bytes after the correlation id. */
export function decodeResponsePayload<A extends Api>(api: A, version: number, payload: Buffer): ResponseOf<A> {
  const reader = new WireReader(payload);
  if (headerHasTags(api, version)) reader.tags();
  return api.response.decode(reader, version) as ResponseOf<A>;
}

export interface RequestHeader {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  /** Empty when the client sent none. */
  readonly clientId: string;
  /** Stands at the first byte of the body. */
  readonly reader: WireReader;
}

/** Reads the header of a request from a frame without its size prefix. */
export function decodeRequestHeader(frame: Buffer, flexibleFrom: (apiKey: number) => number): RequestHeader {
  const reader = new WireReader(frame);
  const apiKey = reader.i16();
  const apiVersion = reader.i16();
  const correlationId = reader.i32();
  const clientId = reader.nullableString() ?? '';
  if (apiVersion >= flexibleFrom(apiKey)) reader.tags();
  return { apiKey, apiVersion, correlationId, clientId, reader };
}

/** Bytes of all pieces. */
export function bytesOf(pieces: readonly Buffer[]): number {
  let bytes = 0;
  for (const piece of pieces) bytes += piece.length;
  return bytes;
}

function framed(writer: WireWriter): Buffer[] {
  const size = writer.size - 4;
  const chunks = writer.finish();
  chunks[0]!.writeInt32BE(size, 0);
  return chunks;
}

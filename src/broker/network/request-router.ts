import { hasCode, messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { type Api } from '../../protocol/api.js';
import { ErrorCode, errorName } from '../../protocol/error-codes.js';
import { decodeRequestHeader, encodeResponseFrame, type RequestHeader } from '../../protocol/frame.js';
import { CLOSE_CONNECTION, type Handler, type HandlerResult, NO_RESPONSE, type RequestContext } from './handler.js';

// From a request's bytes to the answer's: header, version check, handler, error answer. It knows no sockets, so the
// in-process client of tests and simulation comes in by the same door as a connection.

/** Whoever sent the request. */
export type Peer = Omit<RequestContext, 'apiVersion' | 'clientId'>;

/** The answer's bytes in pieces, size prefix included; undefined when none is sent; 'close' ends the connection. */
export type Answer = readonly Buffer[] | undefined | 'close';

const API_VERSIONS = 18;

export class RequestRouter {
  readonly #handlers = new Map<number, Handler>();
  readonly #flexibleFrom = (apiKey: number): number =>
    this.#handlers.get(apiKey)?.api.flexibleFrom ?? Number.POSITIVE_INFINITY;

  constructor(
    handlers: Iterable<Handler>,
    readonly logger: Logger,
  ) {
    for (const handler of handlers) this.#handlers.set(handler.api.key, handler);
  }

  /** What is served, by API key: ApiVersions answers from it. */
  get handlers(): ReadonlyMap<number, Handler> {
    return this.#handlers;
  }

  /** Answers one frame (without its size prefix); at once when the handler does. Never throws, never rejects. */
  handle(frame: Buffer, peer: Peer): Answer | Promise<Answer> {
    let header: RequestHeader;
    try {
      header = decodeRequestHeader(frame, this.#flexibleFrom);
    } catch (error) {
      return this.#refuse(peer, `sent a request whose header cannot be read: ${messageOf(error)}`);
    }
    const { apiKey, apiVersion } = header;
    const handler = this.#handlers.get(apiKey);
    if (!handler) return this.#refuse(peer, `asked for API ${apiKey} v${apiVersion}, which is not served here`);
    if (apiVersion < handler.minVersion || apiVersion > handler.maxVersion) {
      if (apiKey === API_VERSIONS) return unsupportedApiVersions(handler, header);
      const { name } = handler.api;
      const range = `${handler.minVersion} to ${handler.maxVersion}`;
      return this.#refuse(peer, `asked for ${name} v${apiVersion}; versions ${range} are served`);
    }
    return this.#serve(handler, header, peer);
  }

  /** The same as a promise. */
  async exchange(frame: Buffer, peer: Peer): Promise<Answer> {
    return this.handle(frame, peer);
  }

  #serve(handler: Handler, header: RequestHeader, peer: Peer): Answer | Promise<Answer> {
    let request: unknown;
    try {
      request = handler.api.request.decode(header.reader, header.apiVersion);
    } catch (error) {
      return this.#refuse(peer, messageOf(error));
    }
    const context: RequestContext = {
      apiVersion: header.apiVersion,
      clientId: header.clientId,
      clientHost: peer.clientHost,
      advertised: peer.advertised,
      closed: peer.closed,
    };
    try {
      const result = handler.handle(request as never, context);
      if (!(result instanceof Promise)) return answerOf(handler.api, header, result);
      return result.then(
        (settled) => this.#encoded(handler, header, request, context, settled),
        (error: unknown) => this.#failed(handler, header, request, context, error),
      );
    } catch (error) {
      return this.#failed(handler, header, request, context, error);
    }
  }

  #encoded(
    handler: Handler,
    header: RequestHeader,
    request: unknown,
    context: RequestContext,
    result: HandlerResult<Api>,
  ): Answer {
    try {
      return answerOf(handler.api, header, result);
    } catch (error) {
      return this.#failed(handler, header, request, context, error);
    }
  }

  /** A handler threw: the error in every place that has one, or the end of the connection. */
  #failed(handler: Handler, header: RequestHeader, request: unknown, context: RequestContext, error: unknown): Answer {
    const code = hasCode(error, 'KAFKA_STORAGE_FAILED')
      ? ErrorCode.KAFKA_STORAGE_ERROR
      : ErrorCode.UNKNOWN_SERVER_ERROR;
    const what = `${handler.api.name} v${header.apiVersion} of '${context.clientId}' at ${context.clientHost}`;
    this.logger.error(`${what} failed with ${errorName(code)}: ${messageOf(error)}`, error);
    if (!handler.errorResponse) return 'close';
    try {
      return answerOf(handler.api, header, handler.errorResponse(request as never, code, context));
    } catch (second) {
      this.logger.error(`${what}: the error could not be answered either: ${messageOf(second)}`, second);
      return 'close';
    }
  }

  #refuse(peer: Peer, what: string): Answer {
    this.logger.warn(`${peer.clientHost} ${what}; the connection is closed`);
    return 'close';
  }
}

function answerOf(api: Api, header: RequestHeader, result: HandlerResult<Api>): Answer {
  if (result === NO_RESPONSE) return undefined;
  if (result === CLOSE_CONNECTION) return 'close';
  return encodeResponseFrame(api, header.apiVersion, header.correlationId, result);
}

/** A client newer than the broker: it learns in the oldest layout, which everybody reads, what to ask with. */
function unsupportedApiVersions(handler: Handler, header: RequestHeader): Answer {
  const { minVersion, maxVersion } = handler;
  return encodeResponseFrame(handler.api, 0, header.correlationId, {
    errorCode: ErrorCode.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: API_VERSIONS, minVersion, maxVersion }],
  });
}

import { messageOf } from '../../common/errors.js';
import { type Logger } from '../../common/logger.js';
import { ErrorCode } from '../../protocol/error-codes.js';
import {
  FindCoordinator,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from '../../protocol/messages/10-find-coordinator.js';
import { defineHandler, type RequestContext } from '../network/handler.js';

// FindCoordinator 0–6
//
// Always this node. The internal topic is made before the answer: a client that heard 15 instead would wait for its
// back-off. Key types that nothing here coordinates are refused for good.
// Versions
//   1 key type, message, throttle time (KIP-98, KIP-124) · 3 flexible · 4 several keys (KIP-699)
//   5 transaction errors (KIP-890) · 6 key type of share groups (KIP-932), which are refused: there are none

const GROUP = 0;
const TRANSACTION = 1;

export interface CoordinatorPlaces {
  readonly nodeId: number;
  readonly logger: Logger;
  /** Makes `__consumer_offsets` unless it exists. */
  readonly ensureOffsetsTopic: () => void | Promise<void>;
  /** The same for `__transaction_state`. */
  readonly ensureTransactionTopic: () => void | Promise<void>;
}

interface Place {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
}

export const findCoordinatorHandler = (places: CoordinatorPlaces) =>
  defineHandler<typeof FindCoordinator>({
    api: FindCoordinator,
    minVersion: 0,
    maxVersion: 6,
    async handle(request, context) {
      return answer(request, await placeOf(places, request.keyType, context), context);
    },
    errorResponse: (request, errorCode, context) => answer(request, nowhere(errorCode, null), context),
  });

async function placeOf(places: CoordinatorPlaces, keyType: number, { advertised }: RequestContext): Promise<Place> {
  const { ensureOffsetsTopic, ensureTransactionTopic, nodeId } = places;
  const ensureTopic =
    keyType === GROUP ? ensureOffsetsTopic : keyType === TRANSACTION ? ensureTransactionTopic : undefined;
  if (!ensureTopic) {
    return nowhere(ErrorCode.INVALID_REQUEST, `this broker has no coordinator for keys of type ${keyType}`);
  }
  try {
    await ensureTopic();
  } catch (error) {
    places.logger.error(`the coordinator's topic could not be created: ${messageOf(error)}`, error);
    return nowhere(ErrorCode.COORDINATOR_NOT_AVAILABLE, "the coordinator's topic could not be created");
  }
  return { errorCode: ErrorCode.NONE, errorMessage: null, nodeId, ...advertised };
}

function nowhere(errorCode: number, errorMessage: string | null): Place {
  return { errorCode, errorMessage, nodeId: -1, host: '', port: -1 };
}

function answer(
  { coordinatorKeys }: FindCoordinatorRequest,
  place: Place,
  { apiVersion }: RequestContext,
): FindCoordinatorResponse {
  return apiVersion < 4 ? place : { coordinators: coordinatorKeys.map((key) => ({ key, ...place })) };
}

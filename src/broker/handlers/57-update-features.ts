import { ErrorCode } from '../../protocol/error-codes.js';
import { UpdateFeatures, type UpdateFeaturesRequest } from '../../protocol/messages/57-update-features.js';
import { UpgradeType } from '../metadata/feature-plans.js';
import { defineHandler } from '../network/handler.js';
import { type BrokerParts } from './broker-parts.js';

// UpdateFeatures 0–2: raises the levels at which the cluster's metadata is written; all updates of a request or none.

export function updateFeaturesHandler({ metadata }: BrokerParts) {
  return defineHandler<typeof UpdateFeatures>({
    api: UpdateFeatures,
    minVersion: 0,
    maxVersion: 2,
    async handle({ featureUpdates, validateOnly }, { apiVersion }) {
      const refusal = metadata.updateFeatures(
        featureUpdates.map((update) => ({
          name: update.feature,
          level: update.maxVersionLevel,
          upgradeType: upgradeTypeOf(update, apiVersion),
        })),
        validateOnly,
      );
      if (refusal) return { throttleTimeMs: 0, ...refusal, results: [] };
      await metadata.flush();
      const results = featureUpdates.map(({ feature }) => ({
        feature,
        errorCode: ErrorCode.NONE,
        errorMessage: null,
      }));
      return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, results };
    },
    errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, errorMessage: null, results: [] }),
  });
}

function upgradeTypeOf(
  { allowDowngrade, upgradeType }: UpdateFeaturesRequest['featureUpdates'][number],
  apiVersion: number,
): number {
  if (apiVersion > 0) return upgradeType;
  return allowDowngrade ? UpgradeType.SAFE_DOWNGRADE : UpgradeType.UPGRADE;
}

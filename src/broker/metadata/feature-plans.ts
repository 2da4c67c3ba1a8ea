import { type MetadataImage } from './metadata-image.js';
import { type MetadataRecord, metadataRecord } from './metadata-record.js';
import { FeatureLevel } from './metadata-records.js';
import { type Refusal, refused } from './refusal.js';

// What a change of feature levels means in records: pure. Levels rise; a lower one would ask for records to be
// written anew that say less, which nothing here does.

export const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const;

export interface FeatureUpdate {
  readonly name: string;
  readonly level: number;
  readonly upgradeType: number;
}

/** A feature with the levels at which it can be. */
export interface SupportedFeature {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

export function planFeatures(
  updates: readonly FeatureUpdate[],
  context: { readonly image: MetadataImage; readonly supported: readonly SupportedFeature[] },
): MetadataRecord[] | Refusal {
  const records: MetadataRecord[] = [];
  for (const update of updates) {
    const { name, level } = update;
    const current = context.image.features.get(name) ?? 0;
    const supported = context.supported.find((feature) => feature.name === name);
    const mistake = mistakeIn(update, current, supported);
    if (mistake !== undefined) {
      const why = 'The update failed for all features since the following feature had an error:';
      return refused(
        'INVALID_UPDATE_VERSION',
        `${why} Invalid update version ${level} for feature ${name}. ${mistake}`,
      );
    }
    if (level !== current) records.push(metadataRecord(FeatureLevel, 0, { name, featureLevel: level }));
  }
  return records;
}

function mistakeIn(
  { level, upgradeType }: FeatureUpdate,
  current: number,
  supported: SupportedFeature | undefined,
): string | undefined {
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    return `There is no upgrade type ${upgradeType}.`;
  }
  if (level < 0) return 'A level is never below 0.';
  if (!supported) return 'This broker does not know the feature.';
  if (level < supported.min || level > supported.max) {
    return `This broker supports levels ${supported.min} to ${supported.max}.`;
  }
  if (level >= current) return undefined;
  if (upgradeType === UpgradeType.UPGRADE) return `It is at level ${current}, and a downgrade was not asked for.`;
  return `It is at level ${current}, from which there is no way back.`;
}

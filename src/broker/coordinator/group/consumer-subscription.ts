import { WireReader } from '../../../protocol/wire-reader.js';

// The one thing a broker reads in the metadata of a consumer: its topics. The bytes are the consumers' own format
// (an int16 version, then the topic list in every version); what follows, and newer versions, are none of ours.

/** The `protocolType` of consumers; other clients of the group protocol (Connect) have their own formats. */
export const CONSUMER_PROTOCOL = 'consumer';

/** Undefined when the bytes are not a subscription. */
export function subscribedTopics(metadata: Buffer): readonly string[] | undefined {
  try {
    const reader = new WireReader(metadata);
    if (reader.i16() < 0) return undefined;
    return reader.array((r) => r.string());
  } catch {
    // Third parties put what they like here; only the caller knows what to make of an unknown subscription.
    return undefined;
  }
}

// What an application stores beside the offsets that a listener commits.

/** The listener and the partition that are committed for (Spring: `ListenerMetadata`). */
export interface ListenerMetadata {
  readonly listenerId: string;
  readonly groupId: string;
  /** The listener's `info`. */
  readonly info: string | undefined;
  readonly topic: string;
  readonly partition: number;
}

/** Gives the text for one offset, the next one to be read; empty for none. */
export type OffsetMetadataFunction = (listener: ListenerMetadata, offset: number) => string;

/** A provider that does (Spring: `OffsetAndMetadataProvider`). */
export interface OffsetAndMetadataProvider {
  provide(listener: ListenerMetadata, offset: number): string;
}

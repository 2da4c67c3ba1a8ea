// What a compression codec is.

export interface Codec {
  compress(bytes: Buffer, level?: number): Buffer;
  /** Throws when the bytes are not of this codec, or when more than `maxBytes` would come out. */
  decompress(bytes: Buffer, maxBytes: number): Buffer;
}

// A Buffer over a part of memory, as `subarray` makes one, at a third of its cost: that asks for the memory each time,
// by a call that leaves compiled code, and most of what is cut out of a frame comes from the same one.

type BufferView = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

/** What `new BufferView(bytes.buffer, bytes.byteOffset + from, length)` makes is a Buffer like any other. */
export const BufferView: BufferView = (Buffer as unknown as { readonly [Symbol.species]: BufferView })[Symbol.species];

// Text as UTF-8 in a place that is there already. Most keys are a few ASCII characters: a loop over them costs less
// than a call into the runtime.

const LOOP_UP_TO = 32;

/** Bytes that the text takes; half of a surrogate pair takes three, as the replacement character. */
export function utf8Length(text: string): number {
  const { length } = text;
  if (length > LOOP_UP_TO) return Buffer.byteLength(text);
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) > 0x7f) return Buffer.byteLength(text);
  return length;
}

/** Writes the text at `at`; `length` is its `utf8Length`, and there is room for so many bytes. */
export function writeUtf8(buffer: Buffer, at: number, text: string, length: number): void {
  if (length > LOOP_UP_TO || length !== text.length) buffer.write(text, at, length);
  else for (let i = 0; i < length; i++) buffer[at + i] = text.charCodeAt(i);
}

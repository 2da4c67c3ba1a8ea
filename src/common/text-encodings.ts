// Encodings of text, by the names that Java has for them.

export const ENCODINGS = ['UTF-8', 'ISO-8859-1', 'US-ASCII', 'UTF-16LE'] as const;
export type Encoding = (typeof ENCODINGS)[number];

import { gunzipSync, gzipSync } from 'node:zlib';
import { type Codec } from './codec.js';

// gzip by Node's own zlib; several members in a row are read as one stream.

export const gzip: Codec = {
  compress: (bytes, level) => gzipSync(bytes, level === undefined ? {} : { level }),
  decompress: (bytes, maxBytes) => gunzipSync(bytes, { maxOutputLength: maxBytes }),
};

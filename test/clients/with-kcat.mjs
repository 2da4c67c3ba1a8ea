// kcat (the librdkafka of the distribution): produces with every codec, consumes in a group, commits. It has no
// transactions of its own to begin. One line of result.
import { execFileSync } from 'node:child_process';

const [servers, topic] = process.argv.slice(2);
const RECORDS = 300;
const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];
const kcat = (args, input = '') =>
  execFileSync('kcat', ['-b', servers, ...args], { input, encoding: 'utf8', timeout: 60_000, stdio: 'pipe' });

const sent = new Set();
for (const codec of codecs) {
  const lines = Array.from({ length: RECORDS }, (_, i) => `${codec}-${i}-${'x'.repeat(100)}`);
  for (const line of lines) sent.add(line);
  const input = lines.map((line, i) => `${i % 17}:${line}\n`).join('');
  kcat(['-P', '-t', topic, '-K', ':', '-z', codec, '-X', 'enable.idempotence=true'], input);
}
const group = (...more) =>
  kcat(['-G', `${topic}-group`, '-q', '-e', '-X', 'auto.offset.reset=earliest', ...more, topic])
    .split('\n')
    .filter((line) => line !== '');
const seen = new Set(group());
if (seen.size !== sent.size) throw new Error(`${seen.size} of ${sent.size} consumed`);
const again = group();
if (again.length > 0) throw new Error(`${again.length} records a second time: they were not committed`);
const version = /Version ([\d.]+).*librdkafka ([\d.]+)/s.exec(execFileSync('kcat', ['-V'], { encoding: 'utf8' }));
console.log(
  `kcat ${version?.[1]} (librdkafka ${version?.[2]}): ${sent.size} produced, consumed by a group, ${seen.size} committed, ` +
    'no transactions of its own',
);

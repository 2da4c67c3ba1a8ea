// What two brokers may say differently though they mean the same: ids, times, ports, sizes of files on disk, and the
// words of an error behind its kind.

/** Everything a command told, as comparable text. */
export function normalize({ status, stdout, stderr, place }, step) {
  const text = `${stdout}${stdout.endsWith('\n') || stdout === '' ? '' : '\n'}${stderr}`;
  let lines = text
    .split('\n')
    .map((line) =>
      line
        .replaceAll(place.bootstrapServers, 'BROKER')
        .replaceAll(place.logs, 'LOGS')
        .replaceAll(place.folder, 'FOLDER'),
    )
    .map((line) =>
      line
        .replaceAll(`localhost:${place.bootstrapServers.split(':')[1]}`, 'BROKER')
        .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID')
        .replace(/(Topic[ ]?Id: ?)[\w-]{22}/gi, '$1ID')
        .replace(/\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[,.]\d{3}\b/g, 'TIME')
        // The group that the console consumer makes up.
        .replace(/\bconsole-consumer-\d+/g, 'console-consumer-N')
        .replace(/[ \t]+/g, ' ')
        .trim(),
    )
    .filter((line) => line !== '' && !line.startsWith('at ') && !line.startsWith('...') && !line.startsWith('SLF4J'));
  if (step.hide) lines = lines.map((line) => step.hide.reduce((out, [from, to]) => out.replace(from, to), line));
  if (step.errorKind) lines = errorKinds(lines);
  if (step.keep) lines = lines.filter((line) => step.keep.test(line));
  if (step.sort) lines.sort();
  return [`exit ${status}`, ...lines].join('\n');
}

/** Of an error only its kind: our words for it are our own. */
function errorKinds(lines) {
  const kinds = lines.flatMap(
    (line) => line.match(/\b(?:org\.apache\.kafka\.|java\.)[\w.]*\.(\w+(?:Exception|Error))\b/g) ?? [],
  );
  // Tools that tell only the words: what stands in front of them.
  return kinds.length > 0 ? [...new Set(kinds)] : lines.slice(0, 1).map((line) => line.replace(/:.*/, ''));
}

/** Lines of the one that the other has not, at the same place. */
export function difference(seen, wanted) {
  if (seen === wanted) return [];
  const [own, other] = [seen.split('\n'), wanted.split('\n')];
  const out = [];
  for (let i = 0; i < Math.max(own.length, other.length); i++) {
    if (own[i] === other[i]) continue;
    if (other[i] !== undefined) out.push(`- ${other[i]}`);
    if (own[i] !== undefined) out.push(`+ ${own[i]}`);
  }
  return out.slice(0, 40);
}

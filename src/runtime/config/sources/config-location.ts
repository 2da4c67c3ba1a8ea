// A place that configuration is loaded from, as `spring.config.import` and its like write it.

export interface ConfigLocation {
  /** As written. */
  readonly text: string;
  /** Whether it may be missing. */
  readonly optional: boolean;
  readonly kind: 'file' | 'configtree' | 'env' | 'unknown';
  /** Without prefixes and hints. */
  readonly path: string;
  /** Whether the path does not depend on the file that names it. */
  readonly fixed: boolean;
  /** `.yaml`, where the name itself has no ending: `file:/etc/config/orders[.yaml]`. */
  readonly extension: string | undefined;
  /** `[encoding=latin1]`. Default UTF-8. */
  readonly encoding: string | undefined;
}

export const KNOWN_LOCATIONS =
  'file:, classpath: (the working directory), configtree:, env:, each after optional: if wanted';

const HINTS = /^(.*?)((?:\[[^\]]*\])+)$/s;

export function parseLocation(text: string): ConfigLocation {
  let rest = text.trim();
  const optional = /^optional:/i.test(rest);
  if (optional) rest = rest.slice('optional:'.length);
  const scheme = /^([a-z][a-z0-9+-]+):/i.exec(rest)?.[1]?.toLowerCase();
  if (scheme !== undefined) rest = rest.slice(scheme.length + 1);
  const kind =
    scheme === undefined || scheme === 'file' || scheme === 'classpath'
      ? 'file'
      : scheme === 'configtree' || scheme === 'env'
        ? scheme
        : 'unknown';
  // `file:///etc/x` is `/etc/x`; a resource of the class path is one of the working directory.
  if (scheme === 'file') rest = rest.replace(/^\/\/(?=\/)/, '');
  if (scheme === 'classpath') rest = `./${rest.replace(/^[*/]+/, '')}`;
  const [path, hints] = splitHints(rest);
  return {
    text: text.trim(),
    optional,
    kind,
    path,
    fixed: scheme !== undefined || path.startsWith('/'),
    extension: hints.find((hint) => /^\.?[a-z]+$/i.test(hint)) ?? hintValue(hints, 'extension'),
    encoding: hintValue(hints, 'encoding'),
  };
}

function splitHints(text: string): [path: string, hints: string[]] {
  const match = HINTS.exec(text);
  if (!match) return [text, []];
  const hints = [...match[2]!.matchAll(/\[([^\]]*)\]/g)].flatMap(([, inner]) => inner!.split(','));
  return [match[1]!, hints.map((hint) => hint.trim())];
}

function hintValue(hints: readonly string[], name: string): string | undefined {
  const found = hints.find((hint) => hint.toLowerCase().startsWith(`${name}=`));
  return found?.slice(name.length + 1).trim();
}

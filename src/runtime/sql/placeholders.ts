import { type SqlStatement } from './sql-database.js';

// `?` in statements becomes `$1`, `$2` … where the dialect wants numbers, or what it stands for. Quoted text and
// comments stay as they are.

const PARTS = /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?/g;
const KEPT = 500;
const numbered = new Map<string, string>();
const split = new Map<string, readonly string[]>();

/** The statement with numbered parameters. One that has numbers already stays as it is. */
export function numberPlaceholders(sql: string): string {
  const known = numbered.get(sql);
  if (known !== undefined) return known;
  const result = /\$\d/.test(sql) ? sql : renumber(sql);
  // Statements are few; those that are built by number of rows are bounded here.
  if (numbered.size >= KEPT) numbered.clear();
  numbered.set(sql, result);
  return result;
}

function renumber(sql: string): string {
  return piecesOf(sql).reduce((text, piece, at) => `${text}$${at}${piece}`);
}

/** What stands around the `?`. */
function piecesOf(sql: string): readonly string[] {
  const known = split.get(sql);
  if (known) return known;
  const pieces: string[] = [];
  let from = 0;
  for (const { 0: part, index } of sql.matchAll(PARTS)) {
    if (part !== '?') continue;
    pieces.push(sql.slice(from, index));
    from = index + 1;
  }
  pieces.push(sql.slice(from));
  if (split.size >= KEPT) split.clear();
  split.set(sql, pieces);
  return pieces;
}

/**
 * The statement for PostgreSQL with its values in the text: numbers, and texts as literals of which nothing can get
 * out. Undefined when a value has no such form.
 */
export function fillPlaceholders({ sql, params }: SqlStatement): string | undefined {
  if (!params.every(hasLiteral)) return undefined;
  const pieces = piecesOf(sql);
  let text = pieces[0]!;
  for (let at = 1; at < pieces.length; at++) text += literal(params[at - 1]!) + pieces[at]!;
  return text;
}

/** The text of a query ends at its first NUL, and so would a literal. */
function hasLiteral(value: string | number): boolean {
  return typeof value === 'number' ? Number.isFinite(value) : !value.includes('\0');
}

function literal(value: string | number): string {
  // A minus sign directly behind another one would begin a comment.
  if (typeof value === 'number') return value < 0 ? `(${value})` : String(value);
  const quoted = `'${value.replaceAll("'", "''")}'`;
  // With E'' a backslash means the same whatever standard_conforming_strings says.
  return quoted.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}

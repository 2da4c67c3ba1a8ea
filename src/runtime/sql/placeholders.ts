// `?` in statements becomes `$1`, `$2` … where the dialect wants numbers. Quoted text and comments stay as they are.

const KEPT = 500;
const numbered = new Map<string, string>();

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
  let count = 0;
  return sql.replace(/'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|\?/g, (part) =>
    part === '?' ? `$${++count}` : part,
  );
}

const SHADES = ' .:-=+*%@#';

/** One row of the set, from top (0) to bottom; the cost grows with `depth`. Asks now and then whether to go on. */
export function paintRow(row: number, rows: number, width: number, depth: number, goOn: () => void): string {
  const imaginary = 1.2 - (2.4 * row) / Math.max(1, rows - 1);
  let pixels = '';
  for (let column = 0; column < width; column++) {
    const left = stepsAt(-2.1 + (2.8 * column) / width, imaginary, depth);
    pixels += SHADES[left === depth ? SHADES.length - 1 : Math.min(left, SHADES.length - 2)];
    if (column % 50 === 0) goOn();
  }
  return pixels;
}

/** Iterations until the point leaves the circle of radius 2. */
function stepsAt(real: number, imaginary: number, depth: number): number {
  let x = 0;
  let y = 0;
  for (let turn = 0; turn < depth; turn++) {
    const next = x * x - y * y + real;
    y = 2 * x * y + imaginary;
    x = next;
    if (x * x + y * y > 4) return turn;
  }
  return depth;
}

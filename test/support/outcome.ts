// What a call led to, as a value to compare: 'ok', the code of the error it threw, or the error's text.

export function outcomeOf(call: () => unknown): string {
  try {
    call();
    return 'ok';
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
}

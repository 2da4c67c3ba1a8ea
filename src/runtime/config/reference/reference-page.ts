import { type ConfigKey } from '../config-key.js';
import { keyOf, PROPERTIES_WITHOUT_EFFECT } from '../config-keys.js';
import { REMOVED_KEYS } from '../keys/removed-keys.js';
import { PAGE_HEAD } from './page-head.js';
import { sections, typeText } from './sections.js';
import { valueText } from './value-text.js';

// docs/configuration.md, from the table.

export function referencePage(): string {
  const parts = [PAGE_HEAD];
  for (const { title, text, names } of sections()) {
    const rows = names.map((name) => row(name, keyOf(name)));
    parts.push([`### ${title}`, text, table(HEAD, rows)].filter((part) => part !== '').join('\n\n'));
  }
  parts.push(withoutEffect(), removed());
  return `${parts.join('\n\n')}\n`;
}

const HEAD = ['Key, after `kafka.`', 'Type', 'Default', 'Meaning', "Kafka's name"];

function row(name: string, key: ConfigKey<unknown>): string[] {
  const meaning = [key.doc];
  if (key.choices) meaning.push(`Allowed: ${key.allowed}.`);
  else if (key.kind === 'string' || key.kind === 'list') {
    if (!/^(a text|values between commas)$/.test(key.allowed)) meaning.push(`Allowed: ${key.allowed}.`);
  }
  meaning.push(key.inert === undefined ? `Acts in ${key.acts}.` : `**No effect**: ${key.inert}.`);
  return [`\`${name}\``, typeText(key), defaultText(key), meaning.join(' '), key.property ? `\`${key.property}\`` : ''];
}

function defaultText(key: ConfigKey<unknown>): string {
  const own = key.kind === 'map' ? '' : valueText(key, key.default);
  const shown = own === '' ? (key.kind === 'string' && key.default === '' ? 'empty' : '–') : `\`${own}\``;
  return key.kafkaDefault === undefined ? shown : `${shown} (Kafka: ${key.kafkaDefault})`;
}

function withoutEffect(): string {
  const rows = Object.entries(PROPERTIES_WITHOUT_EFFECT).map(([property, key]) => {
    return [`\`${property}\``, key.clients.join(', '), key.doc, key.inert];
  });
  const text =
    "Kafka's client properties, and those of Spring's and Confluent's serializers, that are accepted and do nothing: " +
    'under `properties.` or `<client>.properties.` a start says the reason once. Where the value is the case here anyway, ' +
    'it says nothing.';
  return [
    '## Client properties without effect',
    text,
    table(['Property', 'Clients', 'Meaning', 'Why, and what instead'], rows),
  ].join('\n\n');
}

function removed(): string {
  const rows = Object.entries(REMOVED_KEYS).map(([name, why]) => [`\`${name}\``, why]);
  return ['## Names that are gone', 'Refused at the start, with these words.', table(['Key', 'What to do'], rows)].join(
    '\n\n',
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replace(/\|/g, '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

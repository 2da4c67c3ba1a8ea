import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { type ConfigurationSources, loadConfiguration } from '../../../../src/runtime/config/load-configuration.js';
import { file, folderWith, load, mistakesOf } from '../../../support/config-folder.js';

/** Value of `x` from these files. */
const x = (files: Record<string, string | Buffer>, sources: ConfigurationSources = {}) =>
  load(files, sources).environment.get('x');
const dev = { env: { SPRING_PROFILES_ACTIVE: 'dev' } };

describe('places and formats', () => {
  it.each<[higher: string, lower: string]>([
    ['config/application.properties', 'application.properties'],
    ['config/b/application.properties', 'config/application.properties'],
    ['config/b/application.properties', 'config/a/application.properties'],
    ['application.properties', 'application.yml'],
    ['application.yml', 'application.yaml'],
    ['config/application.yml', 'application.properties'],
    ['application-dev.properties', 'config/application.properties'],
    ['application-dev.yml', 'application.properties'],
    ['application-dev.properties', 'application-dev.yml'],
    ['config/application-dev.properties', 'application-dev.properties'],
  ])('%s is over %s', (higher, lower) => {
    const text = (name: string, value: string) => (name.endsWith('.properties') ? `x=${value}` : `x: ${value}`);
    expect(x({ [higher]: text(higher, 'high'), [lower]: text(lower, 'low') }, dev)).toBe('high');
  });

  it('does not look deeper than one folder below config', () => {
    expect(x({ 'config/a/b/application.properties': 'x=1' })).toBeUndefined();
  });

  it('takes other names, other places, and more places', () => {
    const files = {
      ...file('x=1'),
      'orders.properties': 'x=2',
      'etc/application.properties': 'x=3',
      'etc/orders.yml': 'x: 4',
      'one.yaml': 'x: 5',
    };
    expect(x(files, { env: { SPRING_CONFIG_NAME: 'orders' } })).toBe('2');
    expect(x(files, { argv: ['--spring.config.name=application,orders'] })).toBe('2');
    expect(x(files, { env: { SPRING_CONFIG_LOCATION: 'etc/' } })).toBe('3');
    expect(x(files, { argv: ['--spring.config.location=./,etc/', '--spring.config.name=application'] })).toBe('3');
    expect(x(files, { argv: ['--spring.config.location=etc/,./', '--spring.config.name=application'] })).toBe('1');
    expect(x(files, { argv: ['--spring.config.additional-location=optional:gone/,etc/'] })).toBe('3');
    expect(x(files, { argv: ['--spring.config.location=one.yaml'] })).toBe('5');
    expect(x(files, { argv: ['--spring.config.import=one.yaml'] })).toBe('5');
    expect(x(files, { propertiesFile: 'orders.properties' })).toBe('2');
    expect(x(files, { propertiesFile: 'etc/orders.yml' })).toBe('4');
  });

  it('keeps places at one level together with ;', () => {
    const files = {
      'a/application.properties': 'x=a',
      'a/application-live.properties': 'x=a-live',
      'b/application.properties': 'x=b',
      'b/application-prod.properties': 'x=b-prod',
    };
    const argv = (location: string) => [`--spring.config.location=${location}`, '--spring.profiles.active=prod,live'];
    expect(x(files, { argv: argv('a/,b/') })).toBe('b-prod');
    expect(x(files, { argv: argv('a/;b/') })).toBe('a-live');
    expect(x(files, { argv: argv('optional:c/*/;a/') })).toBe('a-live');
  });

  it('reads each star folder in the order of its name', () => {
    const files = { 'etc/b/application.properties': 'x=b', 'etc/a/application.properties': 'x=a\ny=a' };
    const { environment } = load(files, { argv: ['--spring.config.location=etc/*/'] });
    expect([environment.get('x'), environment.get('y')]).toEqual(['b', 'a']);
  });

  it('refuses what is missing, unknown or unreadable', () => {
    const refused = (argv: string[], files = {}) => mistakesOf(() => load(files, { argv }))[0];
    expect(refused(['--spring.config.location=gone/'])).toBe(
      'argument --spring.config.location: spring.config.location=gone/: gone does not exist; correct it, or write optional:gone/',
    );
    expect(refused(['--spring.config.location=gone.yml'])).toContain('gone.yml does not exist');
    expect(refused(['--spring.config.import=x.toml'])).toContain('known: .yaml, .yml, .properties');
    expect(refused(['--spring.config.import=vault://secret'])).toContain('has no reader; known: file:');
    expect(refused(['--spring.config.location=a*/b/'])).toContain('* in the wrong place');
    expect(mistakesOf(() => load({}, { propertiesFile: 'gone.properties' }))).toEqual([
      'propertiesFile: propertiesFile=gone.properties: gone.properties does not exist; correct it, or write optional:gone.properties',
    ]);
    expect(
      load({}, { argv: ['--spring.config.location=gone/', '--spring.config.on-not-found=ignore'] }).profiles,
    ).toEqual([]);
  });

  it('names the file that it may not read', () => {
    if (process.getuid?.() === 0) return; // root may read everything
    const cwd = folderWith(file('x=1'));
    chmodSync(join(cwd, 'application.properties'), 0);
    expect(mistakesOf(() => loadConfiguration({ cwd, env: {}, argv: [] }))[0]).toContain(
      'application.properties: cannot be read (EACCES',
    );
  });

  it('takes keys that decide what is read only from outside', () => {
    expect(mistakesOf(() => load(file('spring.config.name=orders')))[0]).toContain(
      'application.properties:1:20: spring.config.name=orders: decides which files are read',
    );
  });
});

describe('profiles', () => {
  it('reads the files of each active one, the last over the others', () => {
    const files = {
      ...file('spring.profiles.active=dev,kafka', 'x=0'),
      'application-dev.properties': 'x=dev\ny=dev',
      'application-kafka.properties': 'x=kafka',
      'application-default.properties': 'x=default',
    };
    const { environment, profiles } = load(files);
    expect([profiles, environment.get('x'), environment.get('y')]).toEqual([['dev', 'kafka'], 'kafka', 'dev']);
    expect(x(files, { env: { SPRING_PROFILES_ACTIVE: 'kafka,dev' } })).toBe('dev');
    expect(x(files, { argv: ['--spring.profiles.active='] })).toBe('default');
  });

  it('has the profile default where none is active, under another name if wanted', () => {
    const files = { 'application-default.properties': 'x=1', 'application-local.properties': 'x=2' };
    expect(x(files)).toBe('1');
    expect(x(files, { env: { SPRING_PROFILES_DEFAULT: 'local' } })).toBe('2');
    expect(load(files).profiles).toEqual([]);
    expect(x(files, dev)).toBeUndefined();
  });

  it.each<[lines: string[], active: string[]]>([
    [
      ['spring.profiles.active=prod', 'spring.profiles.include=common'],
      ['common', 'prod'],
    ],
    [
      ['spring.profiles.include[0]=a', 'spring.profiles.include[1]=b'],
      ['a', 'b'],
    ],
    [
      ['spring.profiles.active=production', 'spring.profiles.group.production=proddb,prodmq'],
      ['production', 'proddb', 'prodmq'],
    ],
    [
      ['spring.profiles.active=a,b', 'spring.profiles.group.a=c', 'spring.profiles.group.c=d'],
      ['a', 'c', 'd', 'b'],
    ],
    [
      ['spring.profiles.active=a', 'spring.profiles.group.a=b', 'spring.profiles.group.b=a'],
      ['a', 'b'],
    ],
    [['spring.profiles.active=${which:fallback}'], ['fallback']],
    [['spring.profiles.active=a+b@c.d'], ['a+b@c.d']],
  ])('%j gives %j', (lines, active) => {
    expect(load(file(...lines)).profiles).toEqual(active);
  });

  it('adds includes of every source', () => {
    const sources = { argv: ['--spring.profiles.include=b'], properties: { 'spring.profiles.include': 'c' } };
    expect(load(file('spring.profiles.include=a', 'spring.profiles.active=x'), sources).profiles).toEqual([
      'c',
      'b',
      'a',
      'x',
    ]);
  });

  it('checks the names', () => {
    const refused = mistakesOf(() => load(file('spring.profiles.active=pr*d')));
    expect(refused[0]).toContain('"pr*d" is no name of a profile');
    expect(load(file('spring.profiles.active=pr*d', 'spring.profiles.validate=false')).profiles).toEqual(['pr*d']);
  });

  it.each([
    'spring.profiles.active=x',
    'spring.profiles.include=x',
    'spring.profiles.default=x',
    'spring.profiles.group.a=b',
  ])('cannot be switched by %s in a file of a profile or under a condition', (line) => {
    expect(mistakesOf(() => load({ 'application-dev.properties': line }, dev))[0]).toContain(
      'in a file of a profile; move it',
    );
    expect(mistakesOf(() => load(file('#---', 'spring.config.activate.on-profile=dev', line)))[0]).toContain(
      'in a document with a condition; move it',
    );
  });

  it('explains the old name of the condition', () => {
    expect(mistakesOf(() => load({ 'application.yml': 'spring:\n  profiles: dev\n' }))[0]).toContain(
      "application.yml:2:13: spring.profiles=dev: is Spring's old name for spring.config.activate.on-profile",
    );
  });
});

describe('documents', () => {
  it('counts the later one more', () => {
    expect(x(file('x=1', '#---', 'x=2'))).toBe('2');
    expect(x({ 'application.yml': 'x: 1\n---\nx: 2\n' })).toBe('2');
  });

  it('holds under its condition only', () => {
    const files = file('x=0', '#---', 'spring.config.activate.on-profile=dev & !eu', 'x=dev', '#---', 'y=1');
    expect(x(files)).toBe('0');
    expect(x(files, dev)).toBe('dev');
    expect(x(files, { argv: ['--spring.profiles.active=dev,eu'] })).toBe('0');
    const yaml = 'x: 0\n---\nspring.config.activate.on-profile: dev\nx: dev\n';
    expect(x({ 'application.yml': yaml }, dev)).toBe('dev');
    expect(load(file('spring.config.activate.on-profile=default', 'x=1')).environment.get('x')).toBe('1');
  });

  it('stands below the files of profiles even under a condition', () => {
    const files = { ...file('spring.config.activate.on-profile=dev', 'x=1'), 'application-dev.properties': 'x=2' };
    expect(x(files, dev)).toBe('2');
  });

  it('knows the platform', () => {
    const files = file('x=0', '#---', 'spring.config.activate.on-cloud-platform=kubernetes', 'x=k8s');
    expect(x(files)).toBe('0');
    expect(x(files, { env: { KUBERNETES_SERVICE_HOST: 'h', KUBERNETES_SERVICE_PORT: '1' } })).toBe('k8s');
    expect(x(files, { argv: ['--spring.main.cloud-platform=kubernetes'] })).toBe('k8s');
  });

  it('reports a condition that is none, once', () => {
    expect(mistakesOf(() => load(file('spring.config.activate.on-profile=a & b | c', 'x=1')))).toEqual([
      'application.properties:1:35: spring.config.activate.on-profile=a & b | c: "a & b | c" is no condition; write names of profiles with !, & or |, and parentheses where both occur',
    ]);
  });
});

describe('spring.config.import', () => {
  it('counts more than the document that imports, less than the next one', () => {
    const files = { 'more.properties': 'x=more\ny=more\nz=more' };
    const { environment } = load({
      ...files,
      ...file('spring.config.import=more.properties', 'x=0', '#---', 'y=last'),
    });
    expect(['x', 'y', 'z'].map((name) => environment.get(name))).toEqual(['more', 'last', 'more']);
  });

  it('lets the later import win, and reads a place once', () => {
    const files = { 'a.properties': 'x=a', 'b.properties': 'x=b\nspring.config.import=a.properties' };
    expect(x({ ...files, ...file('spring.config.import=a.properties,b.properties') })).toBe('b');
    expect(x({ ...files, ...file('spring.config.import=b.properties') })).toBe('a');
    expect(
      x({
        'a.properties': 'spring.config.import=application.properties\nx=a',
        ...file('spring.config.import=a.properties'),
      }),
    ).toBe('a');
  });

  it('considers the variants of active profiles', () => {
    const files = {
      ...file('spring.config.import=my.properties'),
      'my.properties': 'x=my',
      'my-dev.properties': 'x=my-dev\ny=my-dev',
      'application-dev.properties': 'y=application-dev',
    };
    const { environment } = load(files, dev);
    expect([environment.get('x'), environment.get('y')]).toEqual(['my-dev', 'application-dev']);
    expect(x(files)).toBe('my');
  });

  it('may switch profiles on, and stand under a condition', () => {
    const files = {
      ...file('spring.config.import=p.yml'),
      'p.yml': 'spring.profiles.active: dev',
      'application-dev.yml': 'x: 1',
    };
    expect(x(files)).toBe('1');
    const conditional = file(
      'x=0',
      '#---',
      'spring.config.activate.on-profile=dev',
      'spring.config.import=a.properties',
    );
    expect(x({ ...conditional, 'a.properties': 'x=a' }, dev)).toBe('a');
    expect(x({ ...conditional, 'a.properties': 'x=a' })).toBe('0');
  });

  it.each<[location: string, value: string | undefined]>([
    ['./more/a.properties', 'a'],
    ['more/a.properties', 'a'],
    ['file:./more/a.properties', 'a'],
    ['classpath:more/a.properties', 'a'],
    ['classpath:/more/a.properties', 'a'],
    ['optional:file:./gone.properties', undefined],
    ['optional:gone/', undefined],
    ['more/b[.yaml]', 'b'],
    ['more/b[extension=.yaml]', 'b'],
    ['more/latin.properties[encoding=iso-8859-1]', 'ü'],
    ['more/latin-plain[.properties][encoding=iso-8859-1]', 'ü'],
    ['env:INLINE', 'inline'],
    ['env:INLINE_YAML[.yaml]', 'yaml'],
    ['optional:env:GONE', undefined],
    ['${where:more}/a.properties', 'a'],
    ['configtree:./tree/', 'leaf'],
    ['optional:configtree:./gone/', undefined],
    ['configtree:./trees/*/', 'two'],
  ])('follows %s', (location, value) => {
    const files = {
      ...file(`spring.config.import=${location}`),
      'more/a.properties': 'x=a',
      'more/b': 'x: b',
      'more/latin.properties': Buffer.from('x=\xfc', 'latin1'),
      'more/latin-plain': Buffer.from('x=\xfc', 'latin1'),
      'tree/x': 'leaf\n',
      'trees/1/x': 'one',
      'trees/2/x': 'two',
    };
    const env = { INLINE: 'x=inline', INLINE_YAML: 'x: yaml' };
    expect(x(files, { env })).toBe(value);
  });

  it('takes the ending from the hint instead of the name', () => {
    expect(mistakesOf(() => load(file('spring.config.import=a.yml[.properties]')))[0]).toContain(
      'a.yml does not exist',
    );
  });

  it('starts relative places from the importing file', () => {
    const files = {
      ...file('spring.config.import=sub/a.properties'),
      'sub/a.properties': 'spring.config.import=b.properties',
      'sub/b.properties': 'x=b',
    };
    expect(x(files)).toBe('b');
    expect(load(files).environment.entry('x')!.origin).toBe('sub/b.properties:1:3');
  });

  it('says where a missing place is asked for', () => {
    expect(mistakesOf(() => load(file('a=b', 'spring.config.import=gone.properties')))).toEqual([
      'application.properties:2:22: spring.config.import=gone.properties: gone.properties does not exist; correct it, or write optional:gone.properties',
    ]);
    expect(mistakesOf(() => load(file('spring.config.import=configtree:/gone/')))[0]).toContain('/gone does not exist');
    expect(mistakesOf(() => load(file('spring.config.import=env:GONE')))[0]).toContain('environment variable GONE');
  });

  it('reads mounted secrets with nested folders, without the links beside them', () => {
    const tree = {
      'secrets/spring.kafka.ssl.key-password': 'hunter2\n',
      'secrets/spring/kafka/client-id': 'from-tree',
      'secrets/..data/x': 'hidden',
      'secrets/pem': 'line 1\nline 2\n',
    };
    const { properties, environment } = load({
      ...tree,
      ...file('spring.config.import=configtree:./secrets/', 'kafka.security.protocol=SSL'),
    });
    expect(properties.get('ssl.key-password')).toBe('hunter2');
    expect(properties.get('client-id')).toBe('from-tree');
    expect(environment.get('pem')).toBe('line 1\nline 2\n');
    expect([...environment.sources].flatMap((source) => [...source.entries()]).map(({ key }) => key)).not.toContain(
      '..data.x',
    );
  });
});

describe('sources above the files', () => {
  it('stand in the order of Spring, the object of the module on top', () => {
    const client = (sources: ConfigurationSources) =>
      load(file('kafka.client-id=file'), sources).properties.get('client-id');
    const env = { KAFKA_CLIENT_ID: 'variable' };
    const json = { ...env, SPRING_APPLICATION_JSON: '{"spring":{"kafka":{"client-id":"json"}}}' };
    expect(client({})).toBe('file');
    expect(client({ env })).toBe('variable');
    expect(client({ env: json })).toBe('json');
    expect(client({ env: json, argv: ['--kafka.client-id=argument'] })).toBe('argument');
    const properties = { kafka: { clientId: 'object' } };
    expect(client({ env: json, argv: ['--kafka.client-id=argument'], properties })).toBe('object');
    expect(client({ properties, overrides: { 'kafka.client-id': 'override' } })).toBe('override');
  });

  it('take JSON with lists and without nulls', () => {
    const json = { a: [1, 2], b: null, 'c.d': true, e: [{ f: 1 }, { f: 2 }] };
    const { environment } = load(file('b=kept'), { env: { SPRING_APPLICATION_JSON: JSON.stringify(json) } });
    expect(['a', 'b', 'c.d', 'e[1].f'].map((name) => environment.get(name))).toEqual(['1,2', 'kept', 'true', '2']);
    expect(mistakesOf(() => load({}, { env: { SPRING_APPLICATION_JSON: '{' } }))[0]).toContain('is no JSON');
    expect(mistakesOf(() => load({}, { env: { SPRING_APPLICATION_JSON: '[]' } }))[0]).toContain('holds no JSON object');
    expect(load({}, { argv: ['--spring.application.json={"x":"1"}'] }).environment.get('x')).toBe('1');
  });

  it('give random values', () => {
    const { environment } = load(
      file(
        'a=${random.int(10)}',
        'b=${random.int[5,7]}',
        'c=${random.uuid}',
        'd=${random.value}',
        'e=${random.long}',
        'f=${random.int[7,5]:none}',
      ),
    );
    expect(Number(environment.get('a'))).toBeLessThan(10);
    expect(environment.get('b')).toMatch(/^[56]$/);
    expect(environment.get('c')).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(environment.get('d')).toMatch(/^[0-9a-f]{32}$/);
    expect(environment.get('e')).toMatch(/^\d+$/);
    expect(environment.get('f')).toBe('none');
  });
});

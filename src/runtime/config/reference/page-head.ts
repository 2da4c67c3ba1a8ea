// What docs/configuration.md says before its tables.

export const PAGE_HEAD = `# Configuration

<!-- Generated from the table of keys: npm run docs:configuration -->

The lines that a Spring application has in its \`application.properties\` work here: \`spring.kafka.x\` and \`kafka.x\` are
the same key. Everything is read once, at the start. A start with mistakes ends with exit code 1 and lists all of them,
each with file, line and column (or the variable, or the argument), the key, the value, what is allowed, and what to
write. Passwords and the like are shown as \`******\`.

\`\`\`properties
kafka.bootstrap-servers=kafka-1:9092,kafka-2:9092
kafka.consumer.group-id=billing
kafka.consumer.auto-offset-reset=earliest
kafka.consumer.properties.session.timeout.ms=30s
orders.topic=orders
\`\`\`

\`nestdaw config\` prints what is in force, and where each value comes from:

\`\`\`text
$ nestdaw config consumer --changed
# profiles: default
# sources, the last one counts most: application.properties, environment, arguments
kafka.consumer.group-id                       billing   application.properties:2:25
kafka.consumer.auto-offset-reset              earliest  application.properties:3:34
kafka.consumer.properties.session.timeout.ms  30s       application.properties:4:46
\`\`\`

## Where values come from

Later ones count more:

1. the defaults of the tables below
2. \`application.yaml\`, \`application.yml\`, \`application.properties\` in the working directory, then in \`config/\`, then in
   the folders directly below \`config/\`
3. the same files of each active profile: \`application-prod.properties\`
4. \`\${random.uuid}\` and its like, for placeholders
5. environment variables
6. the JSON in \`SPRING_APPLICATION_JSON\`
7. arguments: \`--kafka.client-id=orders\`
8. the object given to \`KafkaModule.forRoot({ properties })\`
9. what a test sets (\`PROPERTY_OVERRIDES\`, which \`EmbeddedKafka.provide\` uses)

A list counts as a whole: the highest source that has it gives all of it. Maps are merged name by name.

**Other places.** \`spring.config.location\` replaces the places of step 2, \`spring.config.additional-location\` adds to
them, \`spring.config.name\` replaces \`application\`: as variables or arguments, since no file can say which files are read.
Folders end with \`/\`, \`config/*/\` stands for all folders below, \`;\` keeps places on one level, \`optional:\` allows a place
to be missing. \`forRoot({ propertiesFile })\` names one file.

**Profiles.** \`spring.profiles.active=prod,eu\`; the files of the last one count most. \`spring.profiles.include\` adds
profiles, \`spring.profiles.group.production=proddb,prodmq\` names several at once, and without any the profile is
\`default\`. Under the profile \`production\` the embedded broker makes no topics by itself.

**Documents.** A line \`#---\` in a properties file (\`---\` in YAML) begins another document. Later documents count more,
and \`spring.config.activate.on-profile=prod & !eu\` makes one hold under a condition.

**Imports.** \`spring.config.import=optional:file:./local.properties\` reads another file, just above the document that
imports it. \`configtree:/etc/secrets/\` takes every file below the folder as one property (its path is the key), which is
how Kubernetes mounts secrets. \`env:NAME[.yaml]\` reads a document from a variable, \`name[.yaml]\` a file without an ending,
\`[encoding=iso-8859-1]\` another encoding than UTF-8. \`classpath:\` is the working directory.

**Variables.** \`KAFKA_BOOTSTRAP_SERVERS\`, \`KAFKA_BOOTSTRAPSERVERS\` and both with \`SPRING_\` before them are
\`kafka.bootstrap-servers\`. \`KAFKA_CONSUMER_PROPERTIES_MAX_POLL_RECORDS\` is \`kafka.consumer.properties.max.poll.records\`,
\`KAFKA_BOOTSTRAPSERVERS_0_\` the first item of a list.

**Code.** \`KafkaModule.forRootAsync({ inject: [ConfigService], useFactory })\` takes the object of step 8 from any provider:

\`\`\`ts
KafkaModule.forRootAsync({
  imports: [ConfigModule],
  inject: [ConfigService],
  useFactory: (config: ConfigService) => ({ properties: { 'kafka.client-id': config.getOrThrow('APP_NAME') } }),
});
\`\`\`

## How values are written

| Type | Written |
| --- | --- |
| duration | \`500ms\`, \`10s\`, \`5m\`, \`2h\`, \`1d\`, \`PT1M30S\`, or a bare number of milliseconds |
| size | \`512B\`, \`16KB\`, \`10MB\`, \`1GB\` (powers of 1024), or a bare number of bytes |
| integer, number | decimal, or \`0x1F\` |
| boolean | \`true\`, \`false\`, \`on\`, \`off\`, \`yes\`, \`no\`, \`1\`, \`0\` |
| choice | one of its words; case, \`-\` and \`_\` do not matter |
| list | \`a, b\`, or \`key[0]=a\` and \`key[1]=b\` |
| map | one property for each name: \`kafka.consumer.properties.max.poll.records=50\`, or \`[max.poll.records]\` in brackets |
| files and certificates | a path, \`file:\`, \`classpath:\` or \`base64:\`; PEM also as text, with \`\\n\` or blanks for line ends |

**Placeholders.** \`\${orders.topic}\` in any value, and in the strings of decorators, stands for another property, from
whatever source; \`\${orders.topic:orders}\` gives a default, which may hold placeholders itself. One that nothing defines is
a mistake. \`\\\${\` is the text itself (\`\\\\\${\` in a properties file, where a backslash is written twice).

**Names.** \`bootstrap-servers\`, \`bootstrapServers\` and \`bootstrap_servers\` are the same. A name that nobody knows is a mistake,
with the name that was meant.

**Client properties.** Kafka's own names stand under \`kafka.properties.\` for all clients, and under
\`kafka.consumer.properties.\` and \`kafka.producer.properties.\` for one kind. Where a key has both names, the order is, lowest
first: the common key, \`properties.x\`, the client's key, \`<client>.properties.x\`.

## Several clusters

\`\`\`ts
@Module({ imports: [KafkaModule.forRoot(), KafkaModule.forRoot({ name: 'audit' })] })
export class AppModule {}
\`\`\`

The keys of the second connection begin with \`kafka.audit.\`: \`kafka.audit.bootstrap-servers\`,
\`kafka.audit.consumer.group-id\`. It takes nothing from the keys without a name. \`@KafkaListener({ connection: 'audit' })\`
and \`@Producer({ connection: 'audit' })\` choose it, \`@InjectKafkaTemplate('audit')\` injects its template.

## Keys

The tables leave out the prefix \`kafka.\`. Defaults are those of Spring Boot and of Kafka's Java clients, unless Kafka's is
named beside ours. An editor completes the keys from \`spring-configuration-metadata.json\` in the package.`;

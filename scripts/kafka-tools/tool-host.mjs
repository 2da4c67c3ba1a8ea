import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

// Kafka's tools, one after another in one virtual machine (ToolHost.java).

const source = fileURLToPath(new URL('ToolHost.java', import.meta.url));

export class ToolHost {
  #child;
  #waiting = [];
  #bytes = Buffer.alloc(0);

  constructor(jvm) {
    this.#child = spawn('java', [...jvm, source], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.stdout.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#read();
    });
    this.#child.once('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the virtual machine ended with code ${code}`));
    });
  }

  /** Resolves with what the tool told, once it is over. */
  run(tool, args, input) {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      const words = [tool, ...args];
      const head = Buffer.alloc(2);
      head.writeUInt16BE(words.length);
      this.#child.stdin.write(Buffer.concat([head, ...[...words, input].map(prefixed)]));
    });
  }

  #read() {
    // Exit code, length and text of the output, length and text of the errors.
    const bytes = this.#bytes;
    if (bytes.length < 8) return;
    const outEnd = 8 + bytes.readInt32BE(4);
    if (bytes.length < outEnd + 4) return;
    const end = outEnd + 4 + bytes.readInt32BE(outEnd);
    if (bytes.length < end) return;
    this.#bytes = bytes.subarray(end);
    this.#waiting.shift().resolve({
      status: bytes.readInt32BE(0),
      stdout: bytes.toString('utf8', 8, outEnd),
      stderr: bytes.toString('utf8', outEnd + 4, end),
    });
  }

  stop() {
    this.#child.stdin.end();
  }
}

function prefixed(text) {
  const bytes = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

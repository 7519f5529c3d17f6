import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { contentInvalid } from "../../errors.js";
import { type Cue, cueTexts } from "../pieces/captions.js";
import { type Script, SPEAKING_RATE } from "../pieces/script.js";
import { findProgram } from "./programs.js";

/** Samples a second of the voice, 16 bits each, one channel. */
export const SAMPLE_RATE = 22_050;

/** A speech engine that is installed here. */
export interface Voice {
  readonly program: string;
  /** A text as samples, at about so many words a minute. */
  speak(text: string, wordsPerMinute: number): Promise<Int16Array>;
}

/** How each engine is asked for a WAV file. */
const ENGINES: Readonly<Record<string, (file: string, rate: number, text: string) => string[]>> = {
  "espeak-ng": (file, rate, text) => ["-v", "en-us", "-s", String(rate), "-w", file, "--", text],
  espeak: (file, rate, text) => ["-v", "en-us", "-s", String(rate), "-w", file, "--", text],
  say: (file, rate, text) => [
    "-r",
    String(rate),
    `--data-format=LEI16@${SAMPLE_RATE}`,
    "-o",
    file,
    "--",
    text,
  ],
};

/** The first engine that is installed; none, and the video is silent. */
export function findVoice(): Voice | undefined {
  for (const [name, args] of Object.entries(ENGINES)) {
    const program = findProgram(name);
    if (program === undefined) continue;
    return {
      program,
      async speak(text, rate) {
        const folder = mkdtempSync(join(tmpdir(), "slh-voice-"));
        try {
          const file = join(folder, "said.wav");
          const child = spawn(program, args(file, Math.round(rate), text), { stdio: "ignore" });
          const [code] = await once(child, "exit");
          if (code !== 0)
            throw contentInvalid(
              program,
              `${program} ended with ${code}.`,
              "Say it yourself: slh content video --silent",
            );
          return samplesOf(readFileSync(file));
        } finally {
          rmSync(folder, { recursive: true, force: true });
        }
      },
    };
  }
  return undefined;
}

/** The samples of a WAV file with 16 bits and one channel, brought to `SAMPLE_RATE`. */
export function samplesOf(wav: Uint8Array): Int16Array {
  const view = new DataView(wav.buffer, wav.byteOffset, wav.byteLength);
  const tag = (at: number) => String.fromCharCode(...wav.subarray(at, at + 4));
  let rate = SAMPLE_RATE;
  for (let at = 12; at + 8 <= wav.length; ) {
    // An engine that writes as it speaks does not know the size, and gives the largest.
    const size = Math.min(view.getUint32(at + 4, true), wav.length - at - 8);
    if (tag(at) === "fmt ") rate = view.getUint32(at + 12, true);
    if (tag(at) === "data") {
      const count = Math.floor(((size >> 1) * SAMPLE_RATE) / rate);
      return Int16Array.from({ length: count }, (_, index) =>
        view.getInt16(at + 8 + 2 * Math.min(Math.floor((index * rate) / SAMPLE_RATE), (size >> 1) - 1), true),
      );
    }
    at += 8 + size + (size % 2);
  }
  return new Int16Array();
}

/** How often a segment is said anew, quicker, to fit its time. */
const TRIES = 3;

/**
 * Says a script in its own time: each segment begins when the script says so, and its words are said quicker where the engine
 * would need longer than the segment lasts.
 *
 * @returns cues in the times at which they are said, and the samples of the whole.
 */
export async function sayScript(script: Script, voice: Voice): Promise<{ cues: Cue[]; samples: Int16Array }> {
  const samples = new Int16Array(Math.ceil(script.seconds * SAMPLE_RATE));
  const cues: Cue[] = [];
  for (const { words, start, end, demoSeconds } of script.segments) {
    const texts = cueTexts(words);
    const room = (end - demoSeconds - start) * SAMPLE_RATE;
    let rate: number = SPEAKING_RATE;
    let said: Int16Array[] = [];
    for (let tried = 0; tried < TRIES; tried++) {
      said = [];
      for (const text of texts) said.push(await voice.speak(text, rate));
      const length = said.reduce((sum, one) => sum + one.length, 0);
      if (length <= room) break;
      rate *= (length / room) * 1.03;
    }
    let at = Math.round(start * SAMPLE_RATE);
    const last = Math.min(Math.round(end * SAMPLE_RATE), samples.length);
    for (const [index, one] of said.entries()) {
      const heard = one.subarray(0, Math.max(0, last - at));
      samples.set(heard, at);
      const cue = { start: at / SAMPLE_RATE, end: (at + heard.length) / SAMPLE_RATE };
      if (heard.length > 0) cues.push({ text: texts[index] ?? "", ...cue });
      at += heard.length;
    }
  }
  return { cues, samples };
}

/** Samples as a WAV file. */
export function writeWav(path: string, samples: Int16Array): void {
  const head = Buffer.alloc(44);
  head.write("RIFF", 0);
  head.writeUInt32LE(36 + samples.byteLength, 4);
  head.write("WAVEfmt ", 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(SAMPLE_RATE, 24);
  head.writeUInt32LE(SAMPLE_RATE * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write("data", 36);
  head.writeUInt32LE(samples.byteLength, 40);
  writeFileSync(
    path,
    Buffer.concat([head, new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)]),
  );
}

import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { invalidArgument } from "sololakehouse/errors";
import { contentInvalid, programMissing } from "../../errors.js";
import type { Milestone, Project } from "../../milestones/index.js";
import { openCache } from "../draw/cache.js";
import { openDiagrams, readDiagram } from "../draw/diagrams.js";
import { findChromium } from "../draw/pdf.js";
import { openPictures } from "../draw/pictures.js";
import { openHighlighter } from "../html/code.js";
import { openMarkdown } from "../html/markdown.js";
import { bind } from "../model/bind.js";
import type { MilestoneContent } from "../model/inputs.js";
import { loadContent } from "../model/load.js";
import { siteMap } from "../model/site-map.js";
import { type Cue, cuesOf, webVtt } from "../pieces/captions.js";
import { readScript, type Script } from "../pieces/script.js";
import { drawDiagram, type Files } from "../site/media.js";
import { styleFiles } from "../site/style.js";
import { drawCaption, drawShots } from "./frames.js";
import { findProgram, runProgram } from "./programs.js";
import { type Shot, storyboard } from "./storyboard.js";
import { findVoice, sayScript, writeWav } from "./voice.js";

export interface VideoOptions {
  /** Seconds of the beginning to make; all when left out. */
  readonly seconds?: number | undefined;
  /** True for no voice, although there is an engine. */
  readonly silent?: boolean | undefined;
  readonly onStage?: ((stage: string) => void) | undefined;
}

export interface VideoReport {
  readonly video: string;
  readonly captions: string;
  /** Seconds that it lasts, by the script's clock. */
  readonly seconds: number;
  readonly shots: number;
  /** The speech engine; undefined where it is silent. */
  readonly voice: string | undefined;
}

/** Frames a second: nothing in it moves, but a caption should come on time. */
const FRAME_RATE = 10;

/**
 * Makes a draft of a milestone's video, whose voice its author records anew: what the script shows, in the script's time, with
 * its captions below the picture and in a file beside it, in `dist/video`.
 *
 * @throws PROGRAM_MISSING without ffmpeg or Chromium; CONTENT_INVALID for a milestone without a script or fresh outputs.
 */
export async function makeVideo(
  project: Project,
  milestone: Milestone,
  { seconds, silent, onStage = () => undefined }: VideoOptions = {},
): Promise<VideoReport> {
  if (seconds !== undefined && !(seconds > 0))
    throw invalidArgument(String(seconds), "A video lasts more than 0 seconds.", "Give --seconds 30.");
  const ffmpeg = findProgram("ffmpeg");
  if (ffmpeg === undefined)
    throw programMissing(
      "ffmpeg",
      "No video was made: ffmpeg is not installed.",
      "Install ffmpeg, then run it again.",
    );
  const browser = findChromium();
  if (browser === undefined)
    throw programMissing(
      "chromium",
      "No video was made: no Chromium is installed.",
      "Install one, or name it in SLH_CHROMIUM.",
    );
  const all = await loadContent(project);
  const content = all.find((one) => one.milestone.id === milestone.id);
  const piece = content?.pieces.video;
  if (!content?.recorded || !piece)
    throw contentInvalid(
      milestone.id,
      `${milestone.id} has no ${piece ? "fresh outputs" : "video.md"} to make a video from.`,
      piece ? `Run: slh run ${milestone.id}` : "Write its script first.",
    );
  const script = readScript(piece, bind(piece, content, all).bound);
  if (script.segments.length === 0)
    throw contentInvalid(piece.file, `${piece.file} has no script.`, "See: slh content check");
  const whole = Math.min(seconds ?? script.seconds, script.seconds);

  const folder = mkdtempSync(join(tmpdir(), "slh-video-"));
  try {
    const voice = silent ? undefined : findVoice();
    onStage(voice ? `say it by ${basename(voice.program)}` : "no voice: captions alone");
    const begun = beginning(script, whole);
    const spoken = voice && (await sayScript(begun, voice));
    const cues = (spoken?.cues ?? cuesOf(begun)).filter(({ start }) => start < whole);
    if (spoken) writeWav(join(folder, "voice.wav"), spoken.samples);

    onStage("draw what it shows");
    const shots = storyboard(script, content).filter(({ start }) => start < whole);
    const pictures = await shotFiles(project, all, content, shots, folder, { browser, ffmpeg });
    onStage("draw captions");
    const strips = await captionFiles(project, cues, whole, folder);

    onStage("put it together");
    const shown = shots.map(({ start, end }, at) => ({
      path: String(pictures[at]),
      seconds: Math.min(end, whole) - start,
    }));
    writeFileSync(join(folder, "shots.txt"), concatList(shown));
    writeFileSync(join(folder, "strips.txt"), concatList(strips));
    const target = join(project.dist, "video");
    mkdirSync(target, { recursive: true });
    const video = join(target, `${milestone.id}.mp4`);
    const made = join(folder, "made.mp4");
    await runProgram(ffmpeg, ffmpegArgs(folder, made, whole, spoken !== undefined));
    copyFileSync(made, video);
    const captions = join(target, `${milestone.id}.vtt`);
    writeFileSync(
      captions,
      webVtt(cues, spoken ? "Timed by the voice of the draft." : "Timed by the script."),
    );
    const path = (file: string) => relative(project.root, file);
    return {
      video: path(video),
      captions: path(captions),
      seconds: whole,
      shots: shots.length,
      voice: voice && basename(voice.program),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The segments that begin in time: what is not shown need not be said. */
function beginning(script: Script, seconds: number): Script {
  const segments = script.segments.filter(({ start }) => start < seconds);
  return { ...script, segments, seconds: segments.at(-1)?.end ?? 0 };
}

/** A list for ffmpeg's concat demuxer, which takes the last file's time from one more mention of it. */
export function concatList(files: readonly { readonly path: string; readonly seconds: number }[]): string {
  const lines = files.map(
    ({ path, seconds }) => `file '${path.replaceAll("'", "'\\''")}'\nduration ${seconds.toFixed(6)}`,
  );
  return `ffconcat version 1.0\n${lines.join("\n")}\nfile '${files.at(-1)?.path.replaceAll("'", "'\\''")}'\n`;
}

/** What stands below the picture at each time: a cue while it is said, nothing in between. */
export function captionTimes(cues: readonly Cue[], seconds: number): { text: string; seconds: number }[] {
  const times: { text: string; seconds: number }[] = [];
  let at = 0;
  for (const { text, start, end } of cues) {
    const until = Math.min(end, seconds);
    if (start > at) times.push({ text: "", seconds: start - at });
    if (until > start) times.push({ text, seconds: until - start });
    at = Math.max(at, until);
  }
  if (seconds > at) times.push({ text: "", seconds: seconds - at });
  return times;
}

async function captionFiles(project: Project, cues: readonly Cue[], seconds: number, folder: string) {
  const cache = openCache(join(project.lake, "cache", "content"));
  const pictures = openPictures(cache, join(project.lake, "cache", "fonts"));
  const drawn = new Map<string, string>();
  const files: { path: string; seconds: number }[] = [];
  for (const { text, seconds: lasts } of captionTimes(cues, seconds)) {
    const path = drawn.get(text) ?? join(folder, `strip-${drawn.size}.png`);
    if (!drawn.has(text)) writeFileSync(path, await drawCaption(pictures, text));
    drawn.set(text, path);
    files.push({ path, seconds: lasts });
  }
  return files;
}

async function shotFiles(
  project: Project,
  all: readonly MilestoneContent[],
  content: MilestoneContent,
  shots: readonly Shot[],
  folder: string,
  programs: { browser: string; ffmpeg: string },
): Promise<string[]> {
  const cache = openCache(join(project.lake, "cache", "content"));
  const diagrams = openDiagrams(cache);
  const highlighter = await openHighlighter();
  try {
    const media: Files = new Map();
    for (const path of content.diagrams) {
      const drawn = await drawDiagram(readDiagram(path), relative(project.root, path), diagrams);
      for (const [suffix, svg] of drawn) media.set(`${basename(path, ".d2")}${suffix}.svg`, svg);
    }
    const tools = { cache, highlighter, markdown: openMarkdown(highlighter) };
    const context = { tools, map: siteMap(project.root, all), all };
    const css = String(styleFiles(join(project.root, "blog")).get("assets/site.css"));
    return await drawShots(shots, content, folder, { context, css, media, ...programs });
  } finally {
    highlighter.close();
    await diagrams.close();
  }
}

function ffmpegArgs(folder: string, to: string, seconds: number, hasVoice: boolean): string[] {
  const list = (name: string) => ["-f", "concat", "-safe", "0", "-i", join(folder, name)];
  const even = `fps=${FRAME_RATE},format=yuv420p`;
  return [
    ...["-v", "error", "-y", ...list("shots.txt"), ...list("strips.txt")],
    ...(hasVoice ? ["-i", join(folder, "voice.wav")] : []),
    ...["-filter_complex", `[0:v]${even}[a];[1:v]${even}[b];[a][b]vstack[v]`, "-map", "[v]"],
    ...(hasVoice ? ["-map", "2:a", "-c:a", "aac", "-b:a", "96k"] : []),
    ...["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-movflags", "+faststart"],
    ...["-t", seconds.toFixed(3), to],
  ];
}

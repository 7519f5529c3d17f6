// A short video of the fixture's M3, made by what is installed here: its length, and that a picture is in it.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { findProgram } from "../../lib/kit/content/video/programs.js";
import { slhInProcess } from "../cli/in-process.js";
import { makeFixture } from "../content/support/fixture.js";
import { needs } from "../support/needs.js";
import { needsChromium } from "./support/browser.js";

const ffprobe = findProgram("ffprobe");
const needsFfmpeg = needs(
  ffprobe !== undefined && findProgram("ffmpeg") !== undefined,
  "ffmpeg and ffprobe (Debian: ffmpeg)",
);
const SECONDS = 12;

describe("a video draft", needsChromium, () => {
  test(
    "lasts as long as the script's clock says, with captions beside",
    needsFfmpeg,
    async ({ onTestFinished }) => {
      const fixture = await makeFixture();
      onTestFinished(() => fixture.remove());
      const words = ["content", "video", "m03", "--seconds", String(SECONDS), "--json"];
      const { code, out, err } = await slhInProcess(words, fixture.project.root);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      const report = JSON.parse(out);
      expect(report).toMatchObject({ video: "dist/video/m03.mp4", seconds: SECONDS });

      const path = join(fixture.project.root, report.video);
      const asked = [
        "-v",
        "error",
        "-show_entries",
        "stream=codec_type,width,height:format=duration",
        "-of",
        "json",
      ];
      const probed = JSON.parse(execFileSync(String(ffprobe), [...asked, path], { encoding: "utf8" }));
      expect(Math.abs(Number(probed.format.duration) - SECONDS)).toBeLessThan(0.2);
      expect(probed.streams).toContainEqual(
        expect.objectContaining({ codec_type: "video", width: 1280, height: 720 }),
      );
      const hasSound = probed.streams.some((stream: { codec_type: string }) => stream.codec_type === "audio");
      expect(hasSound).toBe(report.voice !== undefined);

      // A picture with nothing on it would be one colour above its captions.
      const frame = ["-v", "error", "-ss", "6", "-i", path, "-frames:v", "1", "-vf", "crop=1280:480:0:100"];
      const pixels = execFileSync(
        String(findProgram("ffmpeg")),
        [...frame, "-f", "rawvideo", "-pix_fmt", "gray", "-"],
        {
          maxBuffer: 1e7,
        },
      );
      expect(new Set(pixels).size).toBeGreaterThan(20);
      expect(readFileSync(join(fixture.project.root, report.captions), "utf8")).toMatch(
        /^WEBVTT\n\nNOTE Timed by /,
      );
    },
  );
});

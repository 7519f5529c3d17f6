/// <reference lib="dom" />
import { useEffect, useRef, useState } from "preact/hooks";
import type { FromFrame, ToFrame } from "../../contract.js";
import { theme } from "../base/theme.js";
import { useWatched } from "../base/watched.js";

/** The tallest that an output is shown without a scrollbar of its own, in px. */
const TALLEST = 640;

interface FrameProps {
  readonly type: "html" | "svg";
  readonly content: string;
  readonly title: string;
  readonly tallest?: number;
}

/** HTML of a cell in a frame of an opaque origin: it can run nothing of its own, and reach neither studio nor network. */
export function Frame({ type, content, title, tallest = TALLEST }: FrameProps) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(48);
  const isReady = useRef(false);
  const shownTheme = useWatched(theme);
  const send = () => {
    const message: ToFrame =
      type === "html"
        ? { type, html: content, theme: shownTheme }
        : { type, svg: content, theme: shownTheme };
    // Its origin is opaque, which no other target names.
    if (isReady.current) frame.current?.contentWindow?.postMessage(message, "*");
  };
  const latest = useRef(send);
  latest.current = send;
  useEffect(() => {
    const receive = ({ source, data }: MessageEvent<FromFrame>) => {
      if (source !== frame.current?.contentWindow) return;
      if (data.type === "ready") {
        isReady.current = true;
        latest.current();
      } else if (data.type === "size") setHeight(Math.min(tallest, Math.max(24, Number(data.height) || 0)));
      else if (data.type === "link" && /^https?:\/\//.test(data.href))
        window.open(data.href, "_blank", "noopener,noreferrer");
    };
    addEventListener("message", receive);
    return () => removeEventListener("message", receive);
  }, []);
  useEffect(send, [content, shownTheme]);
  return (
    <iframe
      ref={frame}
      class="output frame"
      title={title}
      sandbox="allow-scripts"
      src="/frame"
      style={{ height: `${height}px` }}
    />
  );
}

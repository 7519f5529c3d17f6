/// <reference lib="dom" />
import { closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { javascript } from "@codemirror/lang-javascript";
import { markdown } from "@codemirror/lang-markdown";
import { PostgreSQL, sql } from "@codemirror/lang-sql";
import { bracketMatching, indentOnInput } from "@codemirror/language";
import { EditorState, type Extension } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  type KeyBinding,
  keymap,
  placeholder,
} from "@codemirror/view";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Watched } from "../base/watched.js";
import { look } from "./look.js";

const nonce = document.querySelector<HTMLMetaElement>("meta[name=csp-nonce]")?.content ?? "";

const LANGUAGES: Readonly<Record<string, () => Extension>> = {
  typescript: () => javascript({ typescript: true }),
  markdown: () => markdown(),
  sql: () => sql({ dialect: PostgreSQL }),
};

interface EditorProps {
  readonly source: Watched<string>;
  readonly language: "typescript" | "markdown" | "sql";
  /** What the text is, for who cannot see where it stands. */
  readonly label: string;
  readonly keys?: readonly KeyBinding[];
  readonly extensions?: readonly Extension[];
  readonly hint?: string;
  readonly onFocus?: () => void;
  /** Given the view when it is there, and nothing when it is gone. */
  readonly onView?: (view: EditorView | undefined) => void;
  /** Whether the tab key comes to it; cells of a notebook are entered by Enter. */
  readonly inTabOrder?: boolean;
}

/** A text that is edited, in step with what is watched: two editors of one text show the same. */
export function Editor(props: EditorProps) {
  const box = useRef<HTMLDivElement>(null);
  const { source } = props;
  // The first properties stay: what an editor is does not change while it is shown. It is made as soon as its box is there,
  // so that the keyboard can be put on it before the next key.
  useLayoutEffect(() => {
    if (!box.current) return undefined;
    const { language, label, keys = [], extensions = [], hint, onFocus, onView, inTabOrder = false } = props;
    const view = new EditorView({
      parent: box.current,
      state: EditorState.create({
        doc: source.value,
        extensions: [
          keymap.of([...keys]),
          history(),
          drawSelection(),
          indentOnInput(),
          bracketMatching(),
          closeBrackets(),
          highlightActiveLine(),
          EditorView.lineWrapping,
          keymap.of([
            ...closeBracketsKeymap,
            ...completionKeymap,
            ...defaultKeymap,
            ...historyKeymap,
            ...(inTabOrder ? [] : [indentWithTab]),
          ]),
          LANGUAGES[language]?.() ?? [],
          look,
          EditorView.cspNonce.of(nonce),
          EditorView.contentAttributes.of({ "aria-label": label, tabindex: inTabOrder ? "0" : "-1" }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) source.value = update.state.doc.toString();
            if (update.focusChanged && update.view.hasFocus) onFocus?.();
          }),
          ...(hint ? [placeholder(hint)] : []),
          ...extensions,
        ],
      }),
    });
    const stop = source.watch(() => {
      const now = view.state.doc.toString();
      if (now !== source.value) view.dispatch({ changes: { from: 0, to: now.length, insert: source.value } });
    });
    onView?.(view);
    return () => {
      stop();
      onView?.(undefined);
      view.destroy();
    };
  }, [source]);
  return <div class="editor" ref={box} />;
}

import type { MimeBundle, Output } from "../../../notebook/index.js";
import { terminalText } from "../../../notebook/index.js";
import type { Message } from "../kernel/messages.js";

/**
 * The outputs of a cell with what a message adds to them: text of one stream goes together, as the file has it.
 *
 * @returns the same list where the message is no output
 */
export function withOutput(outputs: readonly Output[], { header, content }: Message): readonly Output[] {
  switch (header.msg_type) {
    case "stream": {
      const { name, text } = content as { name: "stdout" | "stderr"; text: string };
      const before = outputs.at(-1);
      if (before?.output_type === "stream" && before.name === name)
        return [...outputs.slice(0, -1), { ...before, text: appended(before.text, text) }];
      return [...outputs, { output_type: "stream", name, text: terminalText(text) }];
    }
    case "display_data":
      return [...outputs, { output_type: "display_data", data: content.data as MimeBundle, metadata: {} }];
    case "execute_result":
      return [
        ...outputs,
        {
          output_type: "execute_result",
          execution_count: (content.execution_count as number | undefined) ?? null,
          data: content.data as MimeBundle,
          metadata: {},
        },
      ];
    case "error":
      return [
        ...outputs,
        {
          output_type: "error",
          ename: String(content.ename),
          evalue: String(content.evalue),
          traceback: (content.traceback as readonly string[] | undefined) ?? [],
        },
      ];
    case "clear_output":
      return [];
    default:
      return outputs;
  }
}

/** Cursor steps reach the last lines alone: going over all of a long output for each would take quadratic time. */
const REACH = 4000;

function appended(before: string, text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  if (!/[\r\b]|\u001b\[[0-9;]*[A-LN-Za-ln-z]/.test(text)) return before + text;
  const from = before.lastIndexOf("\n", Math.max(0, before.length - REACH)) + 1;
  return before.slice(0, from) + terminalText(before.slice(from) + text);
}

import { isFolded, RECORD_MIME, type RecordedNotebook } from "../../notebook/index.js";
import type { MilestoneContent } from "../model/inputs.js";
import { postImage } from "../pieces/linkedin.js";
import type { Script, Segment } from "../pieces/script.js";
import { placedSlides, withSlides } from "./deck.js";

/** What stands on the screen for a while. Times are in seconds from the start of the video. */
export interface Shot {
  readonly start: number;
  readonly end: number;
  /** The segment's name; empty for the deck's cover. */
  readonly title: string;
  /** What is shown, as text with insertions; a title alone where it is empty. */
  readonly text: string;
}

/** Lines of code that fit on the screen beside what they print. */
const CODE_LINES = 16;
const TABLE_ROWS = 8;

/**
 * What a script shows, in its own time: the cells, figures and tables that its actions name in backticks, the diagram, a
 * command in a terminal; and the slides of the milestone's deck, each at the end of the segment that it sums up, its cover first. The
 * sights of a segment share its time. Where there are none, the picture of the milestone's LinkedIn post opens the video, the command
 * that runs the notebook closes it, and elsewhere the evidence stands in words.
 */
export function storyboard(script: Script, content: MilestoneContent): Shot[] {
  const { segments } = script;
  const named = new Map(segments.map((segment) => [segment, sightsOf(segment, content)]));
  const { cover, of } = placedSlides(script, content, named);
  return segments.flatMap((segment, index) => {
    const found = withSlides(named.get(segment) ?? [], of.get(segment) ?? []);
    const isFirst = index === 0;
    const sights = [
      ...(isFirst ? cover : []),
      ...(found.length > 0 ? found : insteadOf(segment, content, isFirst, index === segments.length - 1)),
    ];
    const each = (segment.end - segment.start) / sights.length;
    return sights.map((text, at) => ({
      start: segment.start + at * each,
      end: at === sights.length - 1 ? segment.end : segment.start + (at + 1) * each,
      // The cover has the title of the whole.
      title: isFirst && at < cover.length ? "" : segment.segment,
      text,
    }));
  });
}

/** What an action names: nothing, where it only says in words what is to be seen. */
function sightsOf({ action }: Segment, content: MilestoneContent): string[] {
  const { recorded } = content;
  const names = [...action.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);
  const named = recorded ? names.flatMap((name) => sightsNamed(name, recorded)) : [];
  if (named.length > 0) return named;
  return /\bdiagram\b/i.test(action) && content.diagram ? ["![The diagram](diagram.svg)"] : [];
}

function insteadOf(
  { evidence }: Segment,
  content: MilestoneContent,
  isFirst: boolean,
  isLast: boolean,
): string[] {
  const { milestone, recorded } = content;
  const image = content.pieces.linkedin && postImage(content.pieces.linkedin);
  if (isFirst && image?.kind === "figure" && recorded?.figures.has(image.name))
    return [`{{ figure "${image.name}" }}`];
  if (isLast && !isFirst)
    return [`## Run it, and change it\n\n\`\`\`sh\n$ npm start -- ${milestone.id}\n\`\`\``];
  return [evidence];
}

/** A name of an action: a cell with what it and its folded bookkeeping show, a figure, a table, or a command. */
function sightsNamed(name: string, recorded: RecordedNotebook): string[] {
  if (/^(?:npm|npx|slh|streamctl) /.test(name)) return [`\`\`\`sh\n$ ${name}\n\`\`\``];
  if (recorded.figures.has(name)) return [`{{ figure "${name}" }}`];
  if (recorded.tables.has(name)) return [`{{ table "${name}" | rows ${TABLE_ROWS} }}`];
  const cell = recorded.cell(name);
  if (!cell) return [];
  const at = recorded.cells.indexOf(cell);
  const after = recorded.cells.slice(at + 1);
  const end = after.findIndex(
    ({ type, ref }) => type !== "code" || !isFolded(recorded.notebook.cells[ref.index] ?? { metadata: {} }),
  );
  const pictures = [cell, ...after.slice(0, end === -1 ? after.length : end)]
    .flatMap(({ outputs }) => outputs)
    .flatMap((output) => {
      if (output.output_type !== "display_data") return [];
      const figure = output.data[RECORD_MIME.figure] as { name: string } | undefined;
      const table = output.data[RECORD_MIME.table] as { name: string } | undefined;
      return [
        ...(figure ? [`{{ figure "${figure.name}" }}`] : []),
        ...(table ? [`{{ table "${table.name}" | rows ${TABLE_ROWS} }}`] : []),
      ];
    });
  const prints = cell.outputs.some(({ output_type }) => output_type === "stream");
  const lines = Math.min(cell.source.trimEnd().split("\n").length, CODE_LINES);
  const folded = isFolded(recorded.notebook.cells[cell.ref.index] ?? { metadata: {} });
  const code = `{{ cell "${name}" | code | lines 1 ${lines} }}`;
  return [
    ...(folded && pictures.length > 0 ? [] : [prints ? `${code}\n\n{{ cell "${name}" | output }}` : code]),
    ...pictures,
  ];
}

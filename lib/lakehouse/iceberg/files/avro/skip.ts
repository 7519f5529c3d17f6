import type { Cursor } from "./cursor.js";
import type { AvroField, AvroRecord, AvroType } from "./types.js";
import { type FieldKey, matchFields, withoutNull } from "./wanted.js";

export type Skipper = (cursor: Cursor) => void;

/** The fewest bytes that a value of the type can take. */
export function minimumSize(type: AvroType): number {
  switch (type.kind) {
    case "null":
      return 0;
    case "float":
      return 4;
    case "double":
      return 8;
    case "fixed":
      return type.size;
    case "record":
      return type.fields.reduce((sum, field) => sum + minimumSize(field.type), 0);
    case "boolean":
    case "int":
    case "long":
    case "bytes":
    case "string":
    case "enum":
    case "array":
    case "map":
    case "union":
      return 1;
  }
}

/** Passes over a number of varints, one after the other. Operand: their number. */
const VARINTS = 0;
/** Passes over a number of bytes. Operand: their number. */
const FIXED = 1;
/** Passes over values of bytes or text, one after the other. Operand: their number. */
const BYTES = 2;
/** Chooses a branch by its index. Operands: how many there are, and where each begins. */
const UNION = 3;
/** Goes on elsewhere. Operand: where. */
const JUMP = 4;
/** Passes over the blocks of an array or map. Operands: the fewest bytes of an item, where its steps end. */
const BLOCKS = 5;
/** Notes the position. Operand: the slot to note it in. */
const MARK = 6;

/**
 * The steps of passing over a value: operations and their operands. One loop runs those of every type, so that it is
 * hot, and compiled, soon after a process has begun; a tree of closures would warm up one by one.
 */
type Steps = Int32Array;

const NO_MARKS = new Int32Array(0);

/** Runs the steps from `from` to `to`, `times` times over. */
function run(cursor: Cursor, steps: Steps, from: number, to: number, times: number, marks: Int32Array): void {
  const { buffer, end } = cursor;
  let { pos } = cursor;
  for (let left = times; left > 0; left--) {
    let at = from;
    while (at < to) {
      const operand = steps[at + 1] as number;
      switch (steps[at]) {
        case VARINTS:
          at += 2;
          for (let varints = operand; varints > 0; varints--) {
            const start = pos;
            while (pos < end && (buffer[pos] as number) >= 0x80) pos++;
            if (pos === end || pos - start > 9) throw cursor.fail("a number has no end");
            pos++;
          }
          break;
        case FIXED:
          at += 2;
          if (operand > end - pos) throw cursor.fail(`${operand} bytes expected, ${end - pos} left`);
          pos += operand;
          break;
        case BYTES:
          at += 2;
          cursor.pos = pos;
          for (let values = operand; values > 0; values--) cursor.skipBytes();
          pos = cursor.pos;
          break;
        case UNION: {
          cursor.pos = pos;
          const index = cursor.readNumber();
          if (index < 0 || index >= operand) throw cursor.fail(`a union has no branch ${index}`);
          pos = cursor.pos;
          at = steps[at + 2 + index] as number;
          break;
        }
        case JUMP:
          at = operand;
          break;
        case BLOCKS: {
          const body = at + 3;
          at = steps[at + 2] as number;
          cursor.pos = pos;
          for (let count = cursor.skipBlock(operand); count !== 0; count = cursor.skipBlock(operand)) {
            if (count > 0) run(cursor, steps, body, at, count, marks);
          }
          pos = cursor.pos;
          break;
        }
        default: // MARK
          at += 2;
          marks[operand] = pos;
      }
    }
  }
  cursor.pos = pos;
}

/** A function that passes over one value of the type without building it. */
export function compileSkipper(type: AvroType): Skipper {
  const list: number[] = [];
  append(list, type);
  const steps = Int32Array.from(list);
  return (cursor) => run(cursor, steps, 0, steps.length, 1, NO_MARKS);
}

function append(steps: number[], type: AvroType): void {
  switch (type.kind) {
    case "null":
      return;
    case "boolean":
    case "float":
    case "double":
    case "fixed":
      steps.push(FIXED, type.kind === "boolean" ? 1 : minimumSize(type));
      return;
    case "int":
    case "long":
    case "enum":
      steps.push(VARINTS, 1);
      return;
    case "bytes":
    case "string":
      steps.push(BYTES, 1);
      return;
    case "record":
      appendFields(steps, type, (field) => append(steps, field.type));
      return;
    case "union":
      appendUnion(steps, type.branches, (branch) => append(steps, branch));
      return;
    case "array":
      appendBlocks(steps, minimumSize(type.items), () => append(steps, type.items));
      return;
    case "map":
      appendBlocks(steps, 1 + minimumSize(type.values), () => {
        steps.push(BYTES, 1);
        append(steps, type.values);
      });
  }
}

/** The fields of a record; neighbours that are varints are passed over in one step. */
function appendFields(steps: number[], { fields }: AvroRecord, each: (field: AvroField) => void): void {
  let varints = -1;
  for (const field of fields) {
    const start = steps.length;
    each(field);
    const plain = steps.length === start + 2 && steps[start] === VARINTS;
    if (plain && varints >= 0) {
      steps[varints + 1] = (steps[varints + 1] as number) + (steps[start + 1] as number);
      steps.length = start;
    } else {
      varints = plain ? start : steps.length === start ? varints : -1;
    }
  }
}

function appendUnion(steps: number[], branches: readonly AvroType[], each: (branch: AvroType) => void): void {
  const table = steps.length + 2;
  steps.push(UNION, branches.length, ...branches.map(() => 0));
  const jumps = branches.map((branch, i) => {
    steps[table + i] = steps.length;
    each(branch);
    return steps.push(JUMP, 0) - 1;
  });
  for (const jump of jumps) steps[jump] = steps.length;
}

function appendBlocks(steps: number[], minimum: number, item: () => void): void {
  const operands = steps.push(BLOCKS, minimum, 0);
  item();
  steps[operands - 1] = steps.length;
}

/** A field whose place in a record is asked for, or whose own fields' places are; by id, or by name without ids. */
export type MarkedField = FieldKey | (FieldKey & { readonly fields: readonly MarkedField[] });

/** Passes over records and notes where the values of some fields begin. */
export interface Marker {
  /** By slot: the writer's type of the value, without `null`; `undefined` where the writer has no such field. */
  readonly types: readonly (AvroType | undefined)[];
  /** Passes over one record. Sets each slot of `marks`; -1 where the record has no value. */
  pass(cursor: Cursor, marks: Int32Array): void;
}

/**
 * A marker of one record type.
 *
 * @param wanted its fields that have no `fields` take the slots, in their order.
 */
export function compileMarker(record: AvroRecord, wanted: readonly MarkedField[]): Marker {
  const list: number[] = [];
  const types: (AvroType | undefined)[] = [];
  const slots = new Map(leaves(wanted).map((field, slot) => [field, slot]));
  for (let slot = 0; slot < slots.size; slot++) types.push(undefined);

  const appendMarked = (type: AvroType, want: MarkedField): void => {
    const under = withoutNull(type);
    if (under !== type && type.kind === "union") {
      appendUnion(list, type.branches, (branch) => {
        if (branch === under) appendMarked(branch, want);
      });
      return;
    }
    if ("fields" in want && type.kind === "record") {
      appendRecord(type, want.fields);
      return;
    }
    const slot = slots.get(want);
    if (slot !== undefined) {
      list.push(MARK, slot);
      types[slot] = type;
    }
    append(list, type);
  };
  const appendRecord = (type: AvroRecord, wants: readonly MarkedField[]): void => {
    const matches = new Map(matchFields(type.fields, wants).map((slot, i) => [type.fields[i], slot]));
    appendFields(list, type, (field) => {
      const want = wants[matches.get(field) as number];
      if (want === undefined) append(list, field.type);
      else appendMarked(field.type, want);
    });
  };
  appendRecord(record, wanted);
  const steps = Int32Array.from(list);
  return {
    types,
    pass: (cursor, marks) => {
      marks.fill(-1);
      run(cursor, steps, 0, steps.length, 1, marks);
    },
  };
}

function leaves(wanted: readonly MarkedField[]): MarkedField[] {
  return wanted.flatMap((field) => ("fields" in field ? leaves(field.fields) : [field]));
}

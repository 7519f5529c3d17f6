/**
 * Vega's expressions, interpreted. Vega compiles them to JavaScript by `Function`, which the studio's content security
 * policy refuses; it takes an evaluator of syntax trees instead, and this is one, in the shape that Vega's runtime
 * documents for `expr` (vega.github.io/vega/usage/interpreter).
 */

/** A node as Vega's parser makes it: ESTree, of expressions alone. */
interface Node {
  readonly type: string;
  readonly [part: string]: unknown;
}

interface Scope {
  readonly fn: Readonly<Record<string, (...given: unknown[]) => unknown>>;
  readonly params: Readonly<Record<string, unknown>> | undefined;
  readonly datum?: unknown;
  readonly event?: unknown;
  readonly item?: unknown;
}

type Value = ReturnType<typeof JSON.parse>;
type Context = { readonly functions: Scope["fn"] };
type Expression = { readonly ast: Node };
type Item = Record<string, Value>;

/** Ways from a value to the language itself, which no chart needs. */
const CLOSED = new Set(["constructor", "__proto__", "prototype", "caller", "callee", "arguments"]);

const CONSTANTS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  E: Math.E,
  LN2: Math.LN2,
  LN10: Math.LN10,
  LOG2E: Math.LOG2E,
  LOG10E: Math.LOG10E,
  PI: Math.PI,
  SQRT1_2: Math.SQRT1_2,
  SQRT2: Math.SQRT2,
  MIN_VALUE: Number.MIN_VALUE,
  MAX_VALUE: Number.MAX_VALUE,
};

const MATHS = [
  ...["abs", "acos", "asin", "atan", "atan2", "ceil", "cos", "exp", "floor", "hypot", "log", "max", "min"],
  ...["pow", "random", "round", "sin", "sqrt", "tan"],
] as const;

/** Parts of a time: in the reader's zone under the name alone, and in UTC with `utc` before it. */
const PARTS: Readonly<Record<string, string>> = {
  date: "Date",
  day: "Day",
  year: "FullYear",
  month: "Month",
  hours: "Hours",
  minutes: "Minutes",
  seconds: "Seconds",
  milliseconds: "Milliseconds",
};

const FUNCTIONS: Readonly<Record<string, (...given: Value[]) => unknown>> = {
  ...Object.fromEntries(MATHS.map((name) => [name, (Math as Value)[name]])),
  ...Object.fromEntries(
    Object.entries(PARTS).flatMap(([name, part]) => [
      [name, (time: Value) => (new Date(time) as Value)[`get${part}`]()],
      [`utc${name}`, (time: Value) => (new Date(time) as Value)[`getUTC${part}`]()],
    ]),
  ),
  isNaN: Number.isNaN,
  isFinite: Number.isFinite,
  clamp: (value, low, high) => Math.max(low, Math.min(high, value)),
  now: Date.now,
  utc: (...parts) => Date.UTC(...(parts as [number, number])),
  datetime: (...parts) => new Date(...(parts as [number])),
  time: (time) => new Date(time).getTime(),
  timezoneoffset: (time) => new Date(time).getTimezoneOffset(),
  length: (value) => value.length,
  parseFloat: Number.parseFloat,
  parseInt: Number.parseInt,
  upper: (text) => String(text).toUpperCase(),
  lower: (text) => String(text).toLowerCase(),
  substring: (text, start, end) => String(text).substring(start, end),
  split: (text, by, most) => String(text).split(by, most),
  trim: (text) => String(text).trim(),
  btoa: (text) => btoa(text),
  atob: (text) => atob(text),
  regexp: (pattern, flags) => new RegExp(pattern, flags),
  test: (pattern, text) => new RegExp(pattern).test(text),
};

const BINARY: Readonly<Record<string, (a: Value, b: Value) => unknown>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  // biome-ignore lint/suspicious/noDoubleEquals: the expression language has both
  "==": (a, b) => a == b,
  // biome-ignore lint/suspicious/noDoubleEquals: the expression language has both
  "!=": (a, b) => a != b,
  "===": (a, b) => a === b,
  "!==": (a, b) => a !== b,
  "&": (a, b) => a & b,
  "|": (a, b) => a | b,
  "^": (a, b) => a ^ b,
  "<<": (a, b) => a << b,
  ">>": (a, b) => a >> b,
  ">>>": (a, b) => a >>> b,
};

const UNARY: Readonly<Record<string, (a: Value) => unknown>> = {
  "+": (a) => +a,
  "-": (a) => -a,
  "~": (a) => ~a,
  "!": (a) => !a,
};

/** The value of a tree. Types that are not listed are no part of the language. */
export function interpret(node: Node, scope: Scope): Value {
  const of = (part: unknown): Value => interpret(part as Node, scope);
  switch (node.type) {
    case "Literal":
      return node.value;
    case "Identifier":
      return named(node.name as string, scope);
    case "MemberExpression": {
      const property = node.computed ? of(node.property) : (node.property as Node).name;
      if (CLOSED.has(String(property))) throw new Error(`A chart may not read .${String(property)}.`);
      return of(node.object)?.[property as string];
    }
    case "CallExpression":
      return called((node.callee as Node).name as string, node.arguments as Node[], scope);
    case "ArrayExpression":
      return (node.elements as Node[]).map(of);
    case "ObjectExpression":
      return Object.fromEntries(
        (node.properties as Node[]).map(({ key, value }) => {
          const { name, value: literal } = key as Node;
          return [String(name ?? literal), of(value)];
        }),
      );
    case "BinaryExpression":
      return BINARY[node.operator as string]?.(of(node.left), of(node.right));
    case "LogicalExpression":
      return node.operator === "&&" ? of(node.left) && of(node.right) : of(node.left) || of(node.right);
    case "UnaryExpression":
      return UNARY[node.operator as string]?.(of(node.argument));
    case "ConditionalExpression":
      return of(node.test) ? of(node.consequent) : of(node.alternate);
    default:
      throw new Error(`A chart's expression has a ${node.type}.`);
  }
}

function named(name: string, { datum, event, item, params }: Scope): Value {
  if (name === "datum") return datum;
  if (name === "event") return event;
  if (name === "item") return item;
  return CONSTANTS[name] ?? params?.[`$${name}`];
}

function called(given: string, parts: readonly Node[], scope: Scope): Value {
  const name = given.replace(/^_/, "");
  const value = (index: number) => interpret(parts[index] as Node, scope);
  if (name === "if") return value(0) ? value(1) : value(2);
  // Vega's functions are inherited by what each view adds to them; what every object has is none of them.
  const own = name in Object.prototype ? undefined : (scope.fn[name] ?? FUNCTIONS[name]);
  if (!own) throw new Error(`A chart calls ${name}(), which is not known.`);
  return own.apply(
    scope.fn,
    parts.map((part) => interpret(part, scope)),
  );
}

/** What Vega's runtime takes as `expr`. */
export const interpreter = {
  operator:
    ({ functions: fn }: Context, { ast }: Expression) =>
    (params: Scope["params"]) =>
      interpret(ast, { fn, params }),
  parameter:
    ({ functions: fn }: Context, { ast }: Expression) =>
    (datum: unknown, params: Scope["params"]) =>
      interpret(ast, { fn, params, datum }),
  event:
    ({ functions: fn }: Context, { ast }: Expression) =>
    (event: unknown) =>
      interpret(ast, { fn, params: undefined, event }),
  handler:
    ({ functions: fn }: Context, { ast }: Expression) =>
    (params: Scope["params"], event: { item?: { datum?: unknown } }) =>
      interpret(ast, { fn, params, event, datum: event.item?.datum }),
  encode: (
    { functions: fn }: Context,
    { marktype, channels }: { marktype: string; channels: Readonly<Record<string, Expression>> },
  ) => {
    const isArea = ["group", "image", "rect"].includes(marktype);
    return (item: Item, params: Scope["params"]) => {
      let changed = 0;
      for (const [name, { ast }] of Object.entries(channels)) {
        const value = interpret(ast, { fn, params, datum: item.datum, item });
        if (item[name] === value) continue;
        item[name] = value;
        changed = 1;
      }
      if (marktype !== "rule") place(item, channels, isArea);
      return changed;
    };
  },
};

/** From two ends, or a middle, to start and length: as Vega's own encoders end. */
function place(item: Item, channels: Readonly<Record<string, unknown>>, isArea: boolean): void {
  for (const [at, other, size, middle] of [
    ["x", "x2", "width", "xc"],
    ["y", "y2", "height", "yc"],
  ] as const) {
    if (other in channels) {
      if (at in channels) {
        if (isArea && item[at] > item[other]) [item[at], item[other]] = [item[other], item[at]];
        item[size] = item[other] - item[at];
      } else item[at] = item[other] - (item[size] || 0);
    }
    if (middle in channels) item[at] = item[middle] - (item[size] || 0) / 2;
  }
}

import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const PACKAGES = ["lakehouse", "kit"].map((name) => resolve("lib", name));

interface Entry {
  readonly types: string;
}

/** The declarations behind each entry of a package's `exports`. */
function entriesOf(folder: string): string[] {
  const { exports } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
    readonly exports: Readonly<Record<string, Entry | string>>;
  };
  return Object.values(exports).flatMap((entry) => {
    return typeof entry === "string" ? [] : [join(folder, entry.types)];
  });
}

/**
 * The types that a declaration's users meet. Constructors, the insides of aliases, and members that are private or
 * `@internal` are none.
 */
function* namedIn(node: ts.Node): Generator<ts.Node> {
  if (ts.isConstructorDeclaration(node) || ts.isHeritageClause(node) || ts.isTypeAliasDeclaration(node))
    return;
  if (
    ts.canHaveModifiers(node) &&
    ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)
  )
    return;
  if (ts.getJSDocTags(node).some(({ tagName }) => tagName.text === "internal")) return;
  if (ts.isTypeReferenceNode(node)) yield node.typeName;
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => void children.push(child));
  for (const child of children) yield* namedIn(child);
}

test("every type that a public signature names can be imported from an entry", () => {
  const entries = PACKAGES.flatMap(entriesOf).filter((file) => ts.sys.fileExists(file));
  const program = ts.createProgram(entries, {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    noLib: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const real = (symbol: ts.Symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const isOurs = ({ declarations }: ts.Symbol) =>
    PACKAGES.some((folder) =>
      dirname(declarations?.[0]?.getSourceFile().fileName ?? "").startsWith(join(folder, "dist")),
    );

  const offered = new Set(
    entries.flatMap((file) => {
      const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.SourceFile);
      return module === undefined ? [] : checker.getExportsOfModule(module).map(real);
    }),
  );
  expect(offered.size).toBeGreaterThan(500);
  const missing = new Set<string>();
  for (const symbol of offered) {
    for (const declaration of symbol.declarations ?? []) {
      for (const name of namedIn(declaration)) {
        const found = checker.getSymbolAtLocation(name);
        if (found === undefined) continue;
        const type = real(found);
        if (type.flags & ts.SymbolFlags.TypeParameter || offered.has(type) || !isOurs(type)) continue;
        missing.add(`${type.name}, of ${symbol.name}`);
      }
    }
  }
  expect([...missing].sort()).toEqual([]);
});

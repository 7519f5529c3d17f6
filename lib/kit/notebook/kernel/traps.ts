import type ts from "typescript";

/** A place in a cell that compiles, and fails when it runs. */
export interface Trap {
  /** Both from 0, in the file that tslab makes of the cell. */
  readonly line: number;
  readonly character: number;
  readonly message: string;
}

/** What tslab calls the declarations of the cells before the one that it converts, and that one. */
const DECLARATIONS = "__prev__.d.ts";
const CELL = "__tslab__.ts";

/**
 * Finds what tslab breaks. It writes `exports.x` for each name `x` that an earlier cell has declared, and goes by what
 * TypeScript says the name stands for. Two places mislead it: a shorthand property `{ x }` stands for a new property,
 * so the value is not found when the cell runs; and the `x` of a pattern `{ x: y }` stands for a property of a type, which
 * an earlier cell may have declared, so that `exports` lands in the pattern and hides the real one.
 */
export function findTraps(typescript: typeof ts, program: ts.Program): Trap[] {
  const cell = program.getSourceFiles().find(({ fileName }) => fileName.endsWith(`/${CELL}`));
  if (!cell) return [];
  const checker = program.getTypeChecker();
  const traps: Trap[] = [];
  const isOfEarlierCell = (symbol: ts.Symbol | undefined): boolean =>
    symbol?.declarations?.some((one) => one.getSourceFile().fileName.endsWith(`/${DECLARATIONS}`)) ?? false;
  const add = (node: ts.Node, message: string): void => {
    traps.push({ ...typescript.getLineAndCharacterOfPosition(cell, node.getStart(cell)), message });
  };
  const visit = (node: ts.Node): void => {
    if (typescript.isShorthandPropertyAssignment(node)) {
      const name = node.name.text;
      if (isOfEarlierCell(checker.getShorthandAssignmentValueSymbol(node)))
        add(
          node,
          `"${name}" is declared in an earlier cell: as a shorthand property it compiles, and fails when it runs. Write ${name}: ${name}.`,
        );
    }
    if (
      typescript.isBindingElement(node) &&
      node.propertyName &&
      typescript.isIdentifier(node.propertyName)
    ) {
      const name = node.propertyName;
      if (isOfEarlierCell(checker.getSymbolAtLocation(name)))
        add(
          name,
          `"${name.text}" belongs to a type of an earlier cell: renamed in a pattern it compiles, and fails when it runs. Take it under its own name, or with a dot.`,
        );
    }
    typescript.forEachChild(node, visit);
  };
  visit(cell);
  return traps;
}

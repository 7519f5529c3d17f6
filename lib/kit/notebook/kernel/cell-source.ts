import type ts from "typescript";

type TypeScript = Pick<
  typeof ts,
  | "createSourceFile"
  | "forEachChild"
  | "ScriptTarget"
  | "SyntaxKind"
  | "isCallExpression"
  | "isExportAssignment"
  | "isExportDeclaration"
  | "isImportDeclaration"
  | "isStringLiteral"
  | "canHaveModifiers"
  | "getModifiers"
>;

/**
 * A cell as tslab takes it, each sign in its place still: all that a cell declares is seen by those after it, so `export`
 * says nothing new and goes; and a module beside the notebook may be imported by the name that it has, `./helper.ts`, of
 * which tslab wants `./helper.js`.
 */
export function cellSource(typescript: TypeScript, source: string): string {
  if (!/\bexport\b|\.ts["']/.test(source)) return source;
  const { ScriptTarget, SyntaxKind } = typescript;
  const file = typescript.createSourceFile("cell.ts", source, ScriptTarget.ESNext, true);
  let text = source;
  const put = (start: number, end: number, instead: string) => {
    text = text.slice(0, start) + instead + text.slice(end);
  };
  const blank = (start: number, end: number) =>
    put(start, end, source.slice(start, end).replace(/[^\n]/g, " "));
  const asJavaScript = (specifier: ts.Node | undefined) => {
    if (!specifier || !typescript.isStringLiteral(specifier)) return;
    if (/^\.{1,2}\/.*[^d]\.ts$/.test(specifier.text)) put(specifier.end - 3, specifier.end - 1, "js");
  };
  for (const statement of file.statements) {
    if (typescript.isImportDeclaration(statement)) asJavaScript(statement.moduleSpecifier);
    else if (typescript.isExportDeclaration(statement)) {
      if (statement.moduleSpecifier) asJavaScript(statement.moduleSpecifier);
      else blank(statement.getStart(), statement.end);
    } else if (typescript.isExportAssignment(statement))
      blank(statement.getStart(), statement.expression.getStart());
    else if (typescript.canHaveModifiers(statement)) {
      for (const modifier of typescript.getModifiers(statement) ?? [])
        if (modifier.kind === SyntaxKind.ExportKeyword || modifier.kind === SyntaxKind.DefaultKeyword)
          blank(modifier.getStart(), modifier.end);
    }
  }
  const visit = (node: ts.Node): void => {
    if (typescript.isCallExpression(node) && node.expression.kind === SyntaxKind.ImportKeyword)
      asJavaScript(node.arguments[0]);
    typescript.forEachChild(node, visit);
  };
  visit(file);
  return text;
}

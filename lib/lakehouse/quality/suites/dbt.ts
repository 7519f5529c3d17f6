export interface DbtSuite { readonly x: string }
export function readDbt(): void {}

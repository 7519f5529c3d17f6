export function userCache(of?: { env: NodeJS.ProcessEnv; platform: NodeJS.Platform }): string;
export function interopHome(): string;
export function kafkaHome(): string;
export function mlflowHome(): string;
export function dagsterHome(): string;
export function airflowHome(): string;
export function onnxHome(): string;
export function exclusively<T>(lockFile: string, work: () => Promise<T>, onWait?: () => void): Promise<T>;

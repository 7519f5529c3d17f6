import { spawn } from "node:child_process";
import { platform } from "node:os";

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ["open"],
  win32: ["cmd", "/c", "start", ""],
};

/** Opens an address as the desktop does; where there is none, the printed address has to do. */
export function openInBrowser(url: string): void {
  const [program = "xdg-open", ...given] = OPENERS[platform()] ?? ["xdg-open"];
  const child = spawn(program, [...given, url], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}

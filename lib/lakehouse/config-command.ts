import type { Command } from "commander";
import { columns, ink, printJson } from "./terminal/index.js";

/** `slh config`: where the lakehouse of this place is, and who says so. */
export function configCommand(program: Command): void {
  program
    .command("config")
    .summary("show each setting in force, and where it comes from")
    .description(
      "Shows where the lakehouse of this folder is, and who says so: a variable of the environment, or else the config file (slh.config.json, .js, .mjs, .cjs or .ts, or the key slh of package.json) that is nearest, here or in a folder above. Below are the other variables SLH_* that are set, without their secrets. Opens nothing.",
    )
    .option("--json", "print the settings as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ slh config
  $ echo '{ "root": "data/lake", "catalog": "etcd://localhost:2379/lake" }' > slh.config.json && slh config`,
    )
    .action(async ({ json }: { json?: true }) => {
      const { settingsInForce } = await import("./profile.js");
      const { withoutSecrets } = await import("./secrets.js");
      const settings = settingsInForce().map((setting) => ({
        ...setting,
        value: withoutSecrets(setting.value),
      }));
      const sources = new Set(settings.map(({ source }) => source));
      const others = otherVariables(sources, withoutSecrets);
      if (json) {
        printJson({ settings, environment: Object.fromEntries(others) });
        return;
      }
      const rows = settings.map(({ name, value, source }) => [ink(name, "bold"), value, ink(source, "grey")]);
      for (const line of columns(rows, "<<<")) console.log(line);
      if (others.length > 0) console.log();
      for (const line of columns(
        others.map(([name, value]) => [ink(name, "bold"), value]),
        "<<",
      ))
        console.log(line);
    });
}

/** The variables that are set and are none of those, by name. */
function otherVariables(
  shown: ReadonlySet<string>,
  withoutSecrets: (value: string) => string,
): [string, string][] {
  return Object.entries(process.env)
    .filter(([name, value]) => name.startsWith("SLH_") && value && !shown.has(name))
    .map(([name, value]): [string, string] => [
      name,
      isSecret(name) ? "(set)" : withoutSecrets(value as string),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function isSecret(name: string): boolean {
  return /SECRET|TOKEN|PASSWORD|CREDENTIAL|KEY/.test(name);
}

import { builtModule } from "./built.js";

/** How the kernel that speaks Jupyter's protocol is started, after the path of Node. */
export const kernelArguments = (connectionFile: string): string[] => [
  "--disable-warning=ExperimentalWarning",
  builtModule("jupyter"),
  connectionFile,
];

export const kernelEnvironment: Readonly<Record<string, string>> = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true",
};

/** As a `kernel.json` describes it ("Kernel specs" of jupyter_client). */
export const kernelSpec = () => ({
  argv: [process.execPath, ...kernelArguments("{connection_file}")],
  display_name: "TypeScript",
  language: "typescript",
  env: kernelEnvironment,
});

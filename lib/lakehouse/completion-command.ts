import type { Command } from "commander";

/** What each shell evaluates: it asks `slh` itself, so that a new version needs no new script. */
const SCRIPTS = {
  bash: `_slh() {
  local IFS=$'\\n' word="\${COMP_LINE:0:COMP_POINT}"
  word="\${word##* }"
  COMPREPLY=($(slh completion candidates -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" "$word" 2>/dev/null))
  local left="\${word%"\${COMP_WORDS[COMP_CWORD]}"}"
  COMPREPLY=("\${COMPREPLY[@]#"$left"}")
}
complete -o default -F _slh slh
`,
  zsh: `#compdef slh
_slh() {
  local -a found
  found=("\${(@f)$(slh completion candidates -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -Q -- $found || _files
}
compdef _slh slh
`,
  fish: `complete -c slh -f -a '(slh completion candidates -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
} as const;

type ShellName = keyof typeof SCRIPTS;

/** Branches and tables, where there is a lake to ask. */
export interface LakeNames {
  readonly tables: () => Promise<readonly string[]>;
  readonly refs: () => Promise<readonly string[]>;
}

/** `slh completion`. */
export function completionCommand(
  program: Command,
  withNames: (use: (names: LakeNames) => Promise<void>) => Promise<void>,
): void {
  const group = program.command("completion").summary("complete slh's commands in bash, zsh and fish");
  for (const shell of Object.keys(SCRIPTS) as ShellName[]) {
    group
      .command(shell)
      .summary(`print the script for ${shell}`)
      .addHelpText("after", `\nExample:\n  ${HOW[shell]}`)
      .action(() => void process.stdout.write(SCRIPTS[shell]));
  }
  group
    .command("candidates", { hidden: true })
    .argument("[words...]", "what was typed after slh, the last word perhaps in part")
    .action(async (words: string[]) => {
      const before = words.slice(0, -1);
      const word = words.at(-1) ?? "";
      const { candidates, wants } = candidatesOf(program, before, word);
      const found = [...candidates];
      if (wants !== undefined) {
        await withNames(async (names) => void found.push(...(await names[wants]()))).catch(() => undefined);
      }
      for (const candidate of found) if (candidate.startsWith(word)) process.stdout.write(`${candidate}\n`);
    });
}

const HOW: Readonly<Record<ShellName, string>> = {
  bash: "echo 'eval \"$(slh completion bash)\"' >> ~/.bashrc",
  zsh: "echo 'eval \"$(slh completion zsh)\"' >> ~/.zshrc",
  fish: "slh completion fish > ~/.config/fish/completions/slh.fish",
};

interface Candidates {
  readonly candidates: readonly string[];
  /** What is to be asked of the lake besides. */
  readonly wants?: keyof LakeNames;
}

/** Arguments and options that name something in the lake, by the names that commands give them. */
const NAMED: Readonly<Record<string, keyof LakeNames>> = {
  table: "tables",
  ref: "refs",
  from: "refs",
  to: "refs",
  into: "refs",
  source: "refs",
  name: "refs",
  commits: "refs",
};

/** What can follow the words that were typed: the program's own tree says so. */
function candidatesOf(program: Command, before: readonly string[], word: string): Candidates {
  let command = program;
  let given = 0;
  for (const [index, each] of before.entries()) {
    const child = given === 0 ? command.commands.find((one) => one.name() === each) : undefined;
    if (child !== undefined) command = child;
    else if (!each.startsWith("-") && !takesValue(command, before[index - 1])) given++;
  }
  const option = command.options.find(({ short, long }) => [short, long].includes(before.at(-1) ?? ""));
  if (option !== undefined && (option.required || option.optional)) {
    const wants = NAMED[option.attributeName()];
    return { candidates: option.argChoices ?? [], ...(wants && { wants }) };
  }
  const options = [...command.options, ...program.options].map(({ long, short }) => long ?? short ?? "");
  if (word.startsWith("-")) return { candidates: [...options, "--help"] };
  const children = command.commands.filter((one) => one.name() !== "candidates").map((one) => one.name());
  const argument =
    command.registeredArguments[given] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  const wants = argument && NAMED[argument.name()];
  return {
    candidates: [...(given === 0 ? children : []), ...(argument?.argChoices ?? [])],
    ...(wants && { wants }),
  };
}

function takesValue(command: Command, word: string | undefined): boolean {
  const option = command.options.find(
    ({ short, long }) => word !== undefined && [short, long].includes(word),
  );
  return option !== undefined && (option.required || option.optional);
}

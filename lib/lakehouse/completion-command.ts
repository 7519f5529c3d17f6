import type { Command, Option } from "commander";

/**
 * What each shell evaluates: it asks `slh` itself, so that a new version needs no new script. Where `slh` knows nothing
 * the shell completes files. Bash cuts words at `=` and `:` before it asks, so there the line is cut anew.
 */
const SCRIPTS = {
  bash: `_slh() {
  local line="\${COMP_LINE:0:COMP_POINT}" found left word
  local -a before
  read -ra before <<<"\${line% *}"
  word="\${line##* }"
  left="\${word%"\${COMP_WORDS[COMP_CWORD]}"}"
  COMPREPLY=()
  while IFS= read -r found; do
    printf -v found %q "$found"
    COMPREPLY+=("\${found#"$left"}")
  done < <(slh completion candidates -- "\${before[@]:1}" "$word" 2>/dev/null)
}
complete -o default -F _slh slh
`,
  zsh: `#compdef slh
_slh() {
  local -a found
  found=("\${(@f)$(slh completion candidates -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- "$found[@]"; else _files; fi
}
compdef _slh slh
`,
  fish: `function __slh_candidates
  set -l found (slh completion candidates -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c slh -f -a '(__slh_candidates)'
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
  const group = program
    .command("completion")
    .summary("complete slh's commands in bash, zsh and fish")
    .description(
      "Completes commands, options, tables and branches by Tab, once the shell has read the script that this prints.",
    )
    .addHelpText(
      "after",
      `\nExamples:\n${Object.values(HOW)
        .map((line) => `  $ ${line}\n`)
        .join("")}`.trimEnd(),
    );
  for (const shell of Object.keys(SCRIPTS) as ShellName[]) {
    group
      .command(shell)
      .summary(`print the script for ${shell}`)
      .description(`Prints what ${shell} evaluates to complete slh's commands.`)
      .addHelpText("after", `\nExamples:\n  $ slh completion ${shell}\n  $ ${HOW[shell]}`)
      .action(() => void process.stdout.write(SCRIPTS[shell]));
  }
  group
    .command("candidates", { hidden: true })
    .argument("[words...]", "what was typed after slh, the last word perhaps in part")
    .action(async (words: string[]) => {
      const before = words.slice(0, -1);
      const word = words.at(-1) ?? "";
      const { candidates, wants, prefix = "" } = candidatesOf(program, before, word);
      const found = [...candidates];
      if (wants !== undefined) {
        await withNames(async (names) => void found.push(...(await names[wants]()))).catch(() => undefined);
      }
      for (const candidate of found.map((each) => prefix + each))
        if (candidate.startsWith(word) && !candidate.includes("\n")) process.stdout.write(`${candidate}\n`);
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
  /** Stands before each, as `--format=` does. */
  readonly prefix?: string;
}

/** Arguments that name something in the lake, by the names that commands give them. */
const ARGUMENTS: Readonly<Record<string, keyof LakeNames>> = {
  table: "tables",
  ref: "refs",
  from: "refs",
  to: "refs",
  source: "refs",
  name: "refs",
  commit: "refs",
};

/** Options that do, by their flags. */
const OPTIONS: Readonly<Record<string, keyof LakeNames>> = {
  "--ref <name>": "refs",
  "--from <ref>": "refs",
  "--into <branch>": "refs",
  "--branch <name>": "refs",
  "--table <name>": "tables",
  "--take <table...>": "tables",
  "--keep <table...>": "tables",
};

/** What can follow the words that were typed: the program's own tree says so. */
function candidatesOf(program: Command, before: readonly string[], word: string): Candidates {
  let command = program;
  let given = 0;
  for (const [index, each] of before.entries()) {
    const child = given === 0 ? command.commands.find((one) => one.name() === each) : undefined;
    if (child !== undefined) command = child;
    else if (!each.startsWith("-") && optionOf(command, before[index - 1]) === undefined) given++;
  }
  const option = optionOf(command, before.at(-1));
  if (option !== undefined) return valuesOf(option);
  const [joined, name] = /^(--[\w-]+)=/.exec(word) ?? [];
  if (joined !== undefined) {
    const named = optionOf(command, name);
    return named === undefined ? { candidates: [] } : { ...valuesOf(named), prefix: joined };
  }
  const options = [...command.options, ...program.options].map(({ long, short }) => long ?? short ?? "");
  if (word.startsWith("-")) return { candidates: [...options, "--help"] };
  const children = command.commands.filter((one) => one.name() !== "candidates").map((one) => one.name());
  const argument =
    command.registeredArguments[given] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  const wants = argument && ARGUMENTS[argument.name()];
  return {
    candidates: [...(given === 0 ? children : []), ...(argument?.argChoices ?? [])],
    ...(wants && { wants }),
  };
}

/** The option of that name, where it takes a value. */
function optionOf(command: Command, word: string | undefined): Option | undefined {
  return command.options.find(
    ({ short, long, required, optional }) =>
      word !== undefined && (word === short || word === long) && (required || optional),
  );
}

function valuesOf({ argChoices = [], flags }: Option): Candidates {
  const wants = OPTIONS[flags.replace(/^-\w, /, "")];
  return { candidates: argChoices, ...(wants && { wants }) };
}

import type { Command, Option } from "commander";

/**
 * What each shell evaluates: it asks the program itself, so that a new version needs no new script. Where that knows nothing
 * the shell completes files. Bash cuts words at `=` and `:` before it asks, so there the line is cut anew.
 */
const SCRIPTS = {
  bash: (slh: string) => `_${slh}() {
  local line="\${COMP_LINE:0:COMP_POINT}" found left word
  local -a before
  read -ra before <<<"\${line% *}"
  word="\${line##* }"
  left="\${word%"\${COMP_WORDS[COMP_CWORD]}"}"
  COMPREPLY=()
  while IFS= read -r found; do
    printf -v found %q "$found"
    COMPREPLY+=("\${found#"$left"}")
  done < <(${slh} completion candidates -- "\${before[@]:1}" "$word" 2>/dev/null)
}
complete -o default -F _${slh} ${slh}
`,
  zsh: (slh: string) => `#compdef ${slh}
_${slh}() {
  local -a found
  found=("\${(@f)$(${slh} completion candidates -- "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "$found" ]]; then compadd -- "$found[@]"; else _files; fi
}
compdef _${slh} ${slh}
`,
  fish: (slh: string) => `function __${slh}_candidates
  set -l found (${slh} completion candidates -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if test (count $found) -gt 0
    printf '%s\\n' $found
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c ${slh} -f -a '(__${slh}_candidates)'
`,
} as const;

type ShellName = keyof typeof SCRIPTS;

/** Names that a program has to ask for, by what they name: tables, say. */
type NamesOf<Kind extends string> = Readonly<Record<Kind, () => Promise<readonly string[]>>>;

export interface NamesToAsk<Kind extends string> {
  /** As a sentence has them: `tables and branches`. */
  readonly what: string;
  /** Arguments that are such names, by the names that commands give them. */
  readonly arguments: Readonly<Record<string, Kind>>;
  /** Options that are, by their flags. */
  readonly options: Readonly<Record<string, Kind>>;
  readonly withNames: (use: (names: NamesOf<Kind>) => Promise<void>) => Promise<void>;
}

/** `slh completion`, and `streamctl completion`. */
export function completionCommand<Kind extends string>(program: Command, asking: NamesToAsk<Kind>): void {
  const slh = program.name();
  const group = program
    .command("completion")
    .summary(`complete ${slh}'s commands in bash, zsh and fish`)
    .description(
      `Completes commands, options, ${asking.what} by Tab, once the shell has read the script that this prints.`,
    )
    .addHelpText(
      "after",
      `\nExamples:\n${Object.values(HOW)
        .map((how) => `  $ ${how(slh)}\n`)
        .join("")}`.trimEnd(),
    );
  for (const shell of Object.keys(SCRIPTS) as ShellName[]) {
    group
      .command(shell)
      .summary(`print the script for ${shell}`)
      .description(`Prints what ${shell} evaluates to complete ${slh}'s commands.`)
      .addHelpText("after", `\nExamples:\n  $ ${slh} completion ${shell}\n  $ ${HOW[shell](slh)}`)
      .action(() => void process.stdout.write(SCRIPTS[shell](slh)));
  }
  group
    .command("candidates", { hidden: true })
    .argument("[words...]", `what was typed after ${slh}, the last word perhaps in part`)
    .action(async (words: string[]) => {
      const before = words.slice(0, -1);
      const word = words.at(-1) ?? "";
      const { candidates, wants, prefix = "" } = candidatesOf(program, asking, before, word);
      const found = [...candidates];
      if (wants !== undefined) {
        await asking
          .withNames(async (names) => void found.push(...(await names[wants]())))
          .catch(() => undefined);
      }
      for (const candidate of found.map((each) => prefix + each))
        if (candidate.startsWith(word) && !candidate.includes("\n")) process.stdout.write(`${candidate}\n`);
    });
}

const HOW: Readonly<Record<ShellName, (slh: string) => string>> = {
  bash: (slh) => `echo 'eval "$(${slh} completion bash)"' >> ~/.bashrc`,
  zsh: (slh) => `echo 'eval "$(${slh} completion zsh)"' >> ~/.zshrc`,
  fish: (slh) => `${slh} completion fish > ~/.config/fish/completions/${slh}.fish`,
};

interface Candidates<Kind extends string> {
  readonly candidates: readonly string[];
  /** What is to be asked for besides. */
  readonly wants?: Kind;
  /** Stands before each, as `--format=` does. */
  readonly prefix?: string;
}

/** What can follow the words that were typed: the program's own tree says so. */
function candidatesOf<Kind extends string>(
  program: Command,
  asking: NamesToAsk<Kind>,
  before: readonly string[],
  word: string,
): Candidates<Kind> {
  let command = program;
  let given = 0;
  for (const [index, each] of before.entries()) {
    const child = given === 0 ? command.commands.find((one) => one.name() === each) : undefined;
    if (child !== undefined) command = child;
    else if (!each.startsWith("-") && optionOf(command, before[index - 1]) === undefined) given++;
  }
  const option = optionOf(command, before.at(-1));
  if (option !== undefined) return valuesOf(option, asking);
  const [joined, name] = /^(--[\w-]+)=/.exec(word) ?? [];
  if (joined !== undefined) {
    const named = optionOf(command, name);
    return named === undefined ? { candidates: [] } : { ...valuesOf(named, asking), prefix: joined };
  }
  const options = [...command.options, ...program.options].map(({ long, short }) => long ?? short ?? "");
  if (word.startsWith("-")) return { candidates: [...options, "--help"] };
  const children = command.commands.filter((one) => one.name() !== "candidates").map((one) => one.name());
  const argument =
    command.registeredArguments[given] ?? command.registeredArguments.findLast(({ variadic }) => variadic);
  const wants = argument && asking.arguments[argument.name()];
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

function valuesOf<Kind extends string>(
  { argChoices = [], flags }: Option,
  { options }: NamesToAsk<Kind>,
): Candidates<Kind> {
  const wants = options[flags.replace(/^-\w, /, "")];
  return { candidates: argChoices, ...(wants && { wants }) };
}

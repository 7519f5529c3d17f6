/** The commands of `streamctl`. Nothing heavy is loaded before one runs. */
import type { Command } from "commander";
import { completionCommand } from "../completion-command.js";
import type { WithLake } from "../room.js";
import { aclCommand } from "./commands/acl.js";
import { withLogOf } from "./commands/any-log.js";
import { benchCommand } from "./commands/bench.js";
import { consumeCommand } from "./commands/consume.js";
import { groupCommand } from "./commands/group.js";
import { produceCommand } from "./commands/produce.js";
import { recoverCommand } from "./commands/recover.js";
import { segmentCommand } from "./commands/segment.js";
import { serveCommand } from "./commands/serve.js";
import { topicCommand } from "./commands/topic.js";
import { userCommand, withSecurityOf } from "./commands/user.js";
import type { LogContext } from "./open-log.js";

export function addStreamCommands(program: Command, withLake: WithLake<LogContext>): void {
  const withLog = withLogOf(withLake);
  topicCommand(program, withLog);
  produceCommand(program, withLog);
  consumeCommand(program, withLog);
  groupCommand(program, withLog);
  const withSecurity = withSecurityOf(withLake);
  userCommand(program, withSecurity);
  aclCommand(program, withSecurity);
  segmentCommand(program);
  serveCommand(program, withLake);
  recoverCommand(program, withLake);
  benchCommand(program, withLog);
  completionCommand(program, {
    what: "topics and groups",
    arguments: { topic: "topics", group: "groups" },
    options: { "--topic <name>": "topics", "--group <name>": "groups" },
    withNames: (use) =>
      withLog({}, (log) =>
        use({
          topics: async () => (await log.topics()).map(({ name }) => name),
          groups: async () => (await log.groups.list()).map(({ group }) => group),
        }),
      ),
  });
}

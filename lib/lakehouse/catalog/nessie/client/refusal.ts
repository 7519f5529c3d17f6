import { invalidArgument, invalidMetadata, isLakehouseError, LakehouseError } from "../../../errors.js";
import { type JsonNode, readJson } from "../../../iceberg/index.js";
import { catalogUnavailable, notAuthorized } from "../../errors.js";
import { ConflictError } from "../../versioned/content.js";
import { FROM_NESSIE } from "../errors.js";
import { conflictFromJson } from "../json.js";

/** The error that a refusal of a Nessie server stands for. */
export function toError(
  status: number,
  text: string,
  { subject }: { readonly subject: string },
): LakehouseError {
  const body = readBody(text);
  const message = body?.optional("message")?.string() ?? `The server refused with status ${status}.`;
  const code = FROM_NESSIE[body?.optional("errorCode")?.string() ?? ""];
  if (code === "REF_CONFLICT") {
    const listed = body?.optional("errorDetails")?.optional("conflicts")?.array() ?? [];
    const conflicts = listed.map(conflictFromJson);
    const unexplained = [{ type: "UNEXPECTED_HASH", message } as const];
    return new ConflictError(
      subject,
      "The server refused the change",
      conflicts.length === 0 ? unexplained : conflicts,
      "Read it again and decide anew.",
    );
  }
  if (code !== undefined) return new LakehouseError(code, subject, message);
  if ([401, 403, 419].includes(status)) {
    return notAuthorized(subject, message, "Check the token or the credential for this catalog.");
  }
  return (status >= 500 ? catalogUnavailable : invalidArgument)(subject, message);
}

/** What is no answer of Nessie's, but of something on the way, has no body that counts. */
function readBody(text: string): JsonNode | undefined {
  try {
    const body = readJson(text, { subject: "the answer", kind: invalidMetadata });
    return body.optional("errorCode") === undefined ? undefined : body;
  } catch (error) {
    if (!isLakehouseError(error)) throw error;
    return undefined;
  }
}

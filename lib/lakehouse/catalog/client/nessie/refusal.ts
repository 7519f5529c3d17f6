import { invalidArgument, invalidMetadata, isLakehouseError, type LakehouseError } from "../../../errors.js";
import { type JsonNode, readJson, refConflict } from "../../../iceberg/index.js";
import { catalogUnavailable, notAuthorized } from "../../errors.js";
import { ConflictError } from "../../model/conflicts.js";
import { FROM_NESSIE } from "../../wire/nessie/errors.js";
import { conflictFromJson } from "../../wire/nessie/json.js";

/** The error that a refusal of a Nessie server stands for. */
export function toError(
  status: number,
  text: string,
  { subject }: { readonly subject: string },
): LakehouseError {
  const body = readBody(text);
  const message = body?.optional("message")?.string() ?? `The server refused with status ${status}.`;
  const kind = FROM_NESSIE.get(body?.optional("errorCode")?.string() ?? "");
  if (kind === refConflict) {
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
  if (kind !== undefined) return kind(subject, message);
  if ([401, 403, 419].includes(status)) {
    return notAuthorized(subject, message, "Check the token or the credential for this catalog.");
  }
  if (status >= 500) return catalogUnavailable(subject, message);
  const remedy =
    body === undefined ? "Check the address: Nessie's API is at http://host:port/api/v2." : undefined;
  return invalidArgument(subject, message, remedy);
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

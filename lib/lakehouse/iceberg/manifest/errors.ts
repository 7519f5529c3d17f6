import { LakehouseError } from "../../errors.js";

export function corrupt(subject: string, why: string): LakehouseError {
  return new LakehouseError({
    code: "CORRUPT_FILE",
    subject,
    message: `${subject} is no readable manifest: ${why}.`,
  });
}

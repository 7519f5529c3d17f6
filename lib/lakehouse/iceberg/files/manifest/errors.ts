import { corruptFile, type LakehouseError } from "../../../errors.js";

export function corrupt(subject: string, why: string): LakehouseError {
  return corruptFile(subject, `${subject} is no readable manifest: ${why}.`);
}
